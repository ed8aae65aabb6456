//! Reading a module, and refusing what activation refuses.

use std::ops::Range;

use wasmparser::{
    BinaryReaderError, CompositeInnerType, Export, ExternalKind, FuncToValidate, FuncType,
    FunctionBody, Import, Parser, Payload, TypeRef, ValType, ValidPayload, Validator,
    ValidatorResources, WasmFeatures,
};

use super::{
    export,
    import::{host_function, HOST_MODULE, PAY_FOR_MEMORY_GROW},
};

/// Bytes a decompressed module may have.
pub const MAX_WASM_SIZE: usize = 128 * 1024;

/// The proposals a program may use; notably neither floats nor reference types nor multi-value.
const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::BULK_MEMORY_OPT)
    .union(WasmFeatures::GC_TYPES);

/// Why a module cannot be activated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    #[error("invalid wasm: {0}")]
    Invalid(String),
    #[error("wasm of {0} bytes exceeds the limit of {MAX_WASM_SIZE}")]
    TooLarge(usize),
    #[error("too many {what}: {count} > {limit}")]
    TooMany {
        what: &'static str,
        count: u64,
        limit: u64,
    },
    #[error("section not allowed: {0}")]
    Section(&'static str),
    #[error("import {module}::{name} is not a host function of that type")]
    UnknownImport { module: String, name: String },
    #[error("missing import {HOST_MODULE}::{PAY_FOR_MEMORY_GROW}")]
    MissingMemoryPayment,
    #[error("missing export {0} of the required type")]
    MissingExport(&'static str),
    #[error("export name {0} is reserved or too long")]
    ExportName(String),
    #[error("instruction not allowed: {0}")]
    Instruction(String),
    #[error("memory of {0} pages exceeds the limit of {1}")]
    Memory(u64, u16),
    #[error("cost of initialisation is too high")]
    InitCost,
}

impl From<BinaryReaderError> for ModuleError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// A section as it stands in the file: its id and its contents.
pub struct Section {
    pub id: u8,
    pub range: Range<usize>,
    /// Number of items in it.
    pub items: u32,
}

/// A function's body, still to be validated instruction by instruction.
pub type Body<'a> = (FuncToValidate<ValidatorResources>, FunctionBody<'a>);

/// A module whose structure is valid and within limits.
pub struct Module<'a> {
    pub wasm: &'a [u8],
    pub types: Vec<FuncType>,
    /// Type indices of the functions the module defines.
    pub functions: Vec<u32>,
    pub imported_functions: u32,
    pub pay_for_memory_grow: u32,
    pub globals: u32,
    /// Bytes of data and element segments, headers included.
    pub segment_len: u64,
    pub pages: u16,
    pub sections: Vec<Section>,
    pub bodies: Vec<Body<'a>>,
}

impl<'a> Module<'a> {
    /// Reads and validates everything but the function bodies.
    pub fn read(wasm: &'a [u8], page_limit: u16) -> Result<Self, ModuleError> {
        if wasm.len() > MAX_WASM_SIZE {
            return Err(ModuleError::TooLarge(wasm.len()));
        }
        let mut module = Self {
            wasm,
            types: Vec::new(),
            functions: Vec::new(),
            imported_functions: 0,
            pay_for_memory_grow: u32::MAX,
            globals: 0,
            segment_len: 0,
            pages: 0,
            sections: Vec::new(),
            bodies: Vec::new(),
        };
        let mut validator = Validator::new_with_features(FEATURES);
        let mut parser = Parser::new(0);
        parser.set_features(FEATURES);
        let (mut memories, mut entrypoint, mut memory_exported) = (0, None, false);
        for payload in parser.parse_all(wasm) {
            let payload = payload?;
            match validator.payload(&payload)? {
                ValidPayload::Func(function, body) => module.bodies.push((function, body)),
                ValidPayload::Parser(_) => return Err(ModuleError::Section("component")),
                ValidPayload::Ok | ValidPayload::End(_) => {}
            }
            module.keep_section(&payload);
            match payload {
                Payload::TypeSection(reader) => {
                    limit("types", reader.count(), 10_000)?;
                    for group in reader {
                        for sub_type in group?.into_types() {
                            match sub_type.composite_type.inner {
                                CompositeInnerType::Func(function) => module.types.push(function),
                                _ => return Err(ModuleError::Section("non-function type")),
                            }
                        }
                    }
                }
                Payload::ImportSection(reader) => {
                    limit("imports", reader.count(), 1_000)?;
                    for import in reader.into_imports() {
                        module.read_import(&import?)?;
                    }
                }
                Payload::FunctionSection(reader) => {
                    limit("functions", reader.count(), 10_000)?;
                    for index in reader {
                        module.functions.push(index?);
                    }
                }
                Payload::TableSection(reader) => {
                    limit("tables", reader.count(), 1)?;
                    for table in reader {
                        limit("table entries", table?.ty.initial, 10_000)?;
                    }
                }
                Payload::MemorySection(reader) => {
                    memories = reader.count();
                    for memory in reader {
                        let pages = memory?.initial;
                        module.pages = u16::try_from(pages)
                            .ok()
                            .filter(|pages| *pages <= page_limit)
                            .ok_or(ModuleError::Memory(pages, page_limit))?;
                    }
                }
                Payload::GlobalSection(reader) => {
                    limit("globals", reader.count(), 1_000)?;
                    module.globals = reader.count();
                }
                Payload::ExportSection(reader) => {
                    limit("exports", reader.count(), 1_000)?;
                    for export in reader {
                        match checked_name(export?)? {
                            Export {
                                name: export::MEMORY,
                                kind: ExternalKind::Memory,
                                ..
                            } => memory_exported = true,
                            Export {
                                name: export::ENTRYPOINT,
                                kind: ExternalKind::Func,
                                index,
                            } => {
                                entrypoint = Some(index);
                            }
                            _ => {}
                        }
                    }
                }
                Payload::ElementSection(reader) => {
                    limit("element segments", reader.count(), 1_000)?;
                    for element in reader {
                        module.segment_len += range_len(&element?.range);
                    }
                }
                Payload::DataSection(reader) => {
                    limit("data segments", reader.count(), 1_000)?;
                    for data in reader {
                        module.segment_len += range_len(&data?.range);
                    }
                }
                Payload::StartSection { .. } => return Err(ModuleError::Section("start")),
                Payload::DataCountSection { .. } => return Err(ModuleError::Section("data count")),
                Payload::TagSection(_) => return Err(ModuleError::Section("tag")),
                _ => {}
            }
        }
        if memories != 1 || !memory_exported {
            return Err(ModuleError::MissingExport(export::MEMORY));
        }
        if entrypoint.and_then(|index| module.function_type(index)) != Some(&entrypoint_type()) {
            return Err(ModuleError::MissingExport(export::ENTRYPOINT));
        }
        if module.pay_for_memory_grow == u32::MAX {
            return Err(ModuleError::MissingMemoryPayment);
        }
        Ok(module)
    }

    /// The type of a function the module defines; none for imports, which cannot be exported either.
    pub fn function_type(&self, index: u32) -> Option<&FuncType> {
        let defined = index.checked_sub(self.imported_functions)?;
        let type_index = self.functions.get(usize::try_from(defined).ok()?)?;
        self.types.get(usize::try_from(*type_index).ok()?)
    }

    fn read_import(&mut self, import: &Import<'_>) -> Result<(), ModuleError> {
        let unknown = || ModuleError::UnknownImport {
            module: import.module.to_owned(),
            name: import.name.to_owned(),
        };
        let TypeRef::Func(type_index) = import.ty else {
            return Err(unknown());
        };
        let ty = usize::try_from(type_index)
            .ok()
            .and_then(|index| self.types.get(index));
        if import.module != HOST_MODULE || ty.is_none() || ty != host_function(import.name).as_ref()
        {
            return Err(unknown());
        }
        if import.name == PAY_FOR_MEMORY_GROW {
            self.pay_for_memory_grow = self.imported_functions;
        }
        self.imported_functions += 1;
        Ok(())
    }

    fn keep_section(&mut self, payload: &Payload<'_>) {
        let items = match payload {
            Payload::GlobalSection(reader) => reader.count(),
            Payload::ExportSection(reader) => reader.count(),
            _ => 0,
        };
        if let (Some((id, range)), false) = (
            payload.as_section(),
            matches!(payload, Payload::CustomSection(_)),
        ) {
            self.sections.push(Section {
                id,
                range: to_usize(range.start)..to_usize(range.end),
                items,
            });
        }
    }
}

fn entrypoint_type() -> FuncType {
    FuncType::new([ValType::I32], [ValType::I32])
}

fn checked_name(export: Export<'_>) -> Result<Export<'_>, ModuleError> {
    if export.name.starts_with("stylus_") || export.name.len() > 500 {
        return Err(ModuleError::ExportName(
            export.name.chars().take(100).collect(),
        ));
    }
    Ok(export)
}

fn limit(what: &'static str, count: impl Into<u64>, limit: u64) -> Result<(), ModuleError> {
    let count = count.into();
    if count > limit {
        return Err(ModuleError::TooMany { what, count, limit });
    }
    Ok(())
}

fn range_len(range: &Range<u64>) -> u64 {
    range.end - range.start
}

/// Offsets into a module fit: it is a slice in memory.
pub fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
