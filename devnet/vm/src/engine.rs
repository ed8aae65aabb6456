//! Modules compiled for the engine, once per code hash.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use revm::primitives::B256;
use wasmi::{Config, Engine, Linker, Module};

use crate::{
    code::{self, CodeError},
    program::{self, Host},
    wasm::{self, ModuleAnalysis, ModuleError},
};

/// Programs kept compiled; past that the cache starts anew.
const CACHE_SIZE: usize = 1024;
/// Bounds of the engine's own stacks. Programs meet the metered stack depth long before.
const MAX_RECURSION: usize = 1 << 17;
const MAX_STACK_BYTES: usize = 1 << 24;

/// Why code cannot be made to run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    #[error(transparent)]
    Code(#[from] CodeError),
    #[error(transparent)]
    Module(#[from] ModuleError),
    #[error("engine refused the module: {0}")]
    Engine(String),
}

/// A module ready to instantiate.
#[derive(Debug)]
pub struct Compiled {
    pub module: Module,
    pub analysis: ModuleAnalysis,
    /// Hash of the metered module: what activation reports.
    pub module_hash: B256,
}

/// The engine with its compiled modules, shared by all transactions.
pub struct Programs {
    engine: Engine,
    linker: Linker<Host>,
    compiled: Mutex<HashMap<B256, Arc<Compiled>>>,
}

impl Default for Programs {
    fn default() -> Self {
        let mut config = Config::default();
        config
            .set_max_recursion_depth(MAX_RECURSION)
            .set_max_stack_height(MAX_STACK_BYTES)
            .allow_start_fn(false)
            .ignore_custom_sections(true)
            .floats(false)
            .wasm_multi_memory(false)
            .wasm_tail_call(false);
        let engine = Engine::new(&config);
        Self {
            linker: program::linker(&engine),
            engine,
            compiled: Mutex::default(),
        }
    }
}

impl fmt::Debug for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Programs").finish_non_exhaustive()
    }
}

impl Programs {
    pub fn linker(&self) -> &Linker<Host> {
        &self.linker
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The module of `code`, compiled now unless it was before.
    pub fn get(
        &self,
        code_hash: B256,
        code: &[u8],
        page_limit: u16,
    ) -> Result<Arc<Compiled>, CompileError> {
        if let Some(known) = self.lock().get(&code_hash) {
            return Ok(known.clone());
        }
        let wasm = wasm::instrument(&code::decode(code)?, page_limit)?;
        let module = Module::new(&self.engine, &wasm.wasm)
            .map_err(|error| CompileError::Engine(error.to_string()))?;
        let module_hash = revm::primitives::keccak256(&wasm.wasm);
        let compiled = Arc::new(Compiled {
            module,
            analysis: wasm.analysis,
            module_hash,
        });
        let mut cache = self.lock();
        if cache.len() >= CACHE_SIZE {
            cache.clear();
        }
        cache.insert(code_hash, compiled.clone());
        Ok(compiled)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<B256, Arc<Compiled>>> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
