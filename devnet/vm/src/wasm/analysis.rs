//! What a module costs to start, and the figures that follow from.

use serde::{Deserialize, Serialize};

use super::{
    instrument::ADDED_GLOBALS,
    module::{Module, ModuleError},
};

/// What activation derives from a module. Two thirds of it set the price of every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleAnalysis {
    /// Functions the module defines.
    pub funcs: u64,
    /// Parameters and results of those functions, together.
    pub types: u64,
    /// Globals, those added by metering included.
    pub globals: u64,
    /// Bytes of data and element segments, headers included.
    pub data_len: u64,
    /// Bytes of the module, decompressed.
    pub wasm_len: u64,
    /// Initial pages of memory.
    pub pages: u16,
    /// Gas to start the program uncached, on top of the base and of [`Self::cached_init`].
    pub init: u16,
    /// Gas to start the program cached, on top of the base.
    pub cached_init: u16,
    /// Estimated bytes of native code: what the data fee is charged for.
    pub asm_size: u32,
}

impl ModuleAnalysis {
    /// Analyses a module, decompressed. Its function bodies are not looked at; [`super::instrument`] does that.
    ///
    /// # Errors
    /// If activation would refuse the module.
    pub fn of(wasm: &[u8], page_limit: u16) -> Result<Self, ModuleError> {
        Self::of_module(&Module::read(wasm, page_limit)?)
    }

    pub(super) fn of_module(module: &Module<'_>) -> Result<Self, ModuleError> {
        let funcs = module.functions.len() as u64;
        let types = (module.imported_functions..)
            .take(module.functions.len())
            .filter_map(|index| module.function_type(index))
            .map(|ty| (ty.params().len() + ty.results().len()) as u64)
            .sum();
        let globals = u64::from(module.globals) + ADDED_GLOBALS;
        let wasm_len = module.wasm.len() as u64;
        let data_len = module.segment_len;
        // Each term is rounded down on its own, as activation does.
        let cached_init = funcs * 13_420 / 100_000
            + types * 89 / 100_000
            + wasm_len * 122 / 100_000
            + globals * 1_628 / 1_000
            + data_len * 75_244 / 100_000
            + u64::from(module.pages) * 5;
        let init = funcs * 8_252 / 1_000 + types * 1_059 / 1_000 + wasm_len * 1_286 / 10_000;
        let asm_size =
            512_000 + funcs * 996_829 / 1_000 + types * 11_416 / 1_000 + wasm_len * 62_628 / 10_000;
        let narrow = |gas: u64| u16::try_from(gas).map_err(|_| ModuleError::InitCost);
        Ok(Self {
            funcs,
            types,
            globals,
            data_len,
            wasm_len,
            pages: module.pages,
            init: narrow(init)?,
            cached_init: narrow(cached_init)?,
            asm_size: u32::try_from(asm_size).map_err(|_| ModuleError::InitCost)?,
        })
    }
}
