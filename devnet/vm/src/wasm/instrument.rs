//! Metering: the rewriting that makes a module pay in ink for what it does.
//!
//! Every basic block charges its instructions at its head; `memory.copy` and `memory.fill` charge their length;
//! `memory.grow` pays for its pages first; every function charges its frame against a stack of fixed size. Only
//! globals are added and none of the module's indices change, so instructions are copied as they stand.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, Encode, ExportKind, GlobalType, Instruction, RawSection,
    SectionId, ValType,
};
use wasmparser::{FuncValidatorAllocations, Operator, OperatorsReader};

use super::{
    export,
    module::{to_usize, Body, Module, ModuleError, Section},
    price, ModuleAnalysis,
};

/// Globals that metering adds to a module: ink, its status, stack, and one for scratch.
pub const ADDED_GLOBALS: u64 = 4;
/// Instructions a function's frame costs on the stack besides its locals and operands.
const FRAME_OVERHEAD: u32 = 4;
const MAX_LOCALS: u32 = 4096;

/// A metered module, and what it costs to start.
#[derive(Clone, Debug)]
pub struct Instrumented {
    pub wasm: Vec<u8>,
    pub analysis: ModuleAnalysis,
}

/// Checks a module in full and adds the metering.
///
/// # Errors
/// If activation would refuse the module.
pub fn instrument(wasm: &[u8], page_limit: u16) -> Result<Instrumented, ModuleError> {
    let mut module = Module::read(wasm, page_limit)?;
    let analysis = ModuleAnalysis::of_module(&module)?;
    let counters = Counters::after(&module);
    let bodies = std::mem::take(&mut module.bodies);
    let mut code = CodeSection::new();
    let mut allocations = FuncValidatorAllocations::default();
    for body in bodies {
        let (function, reusable) = Meter::new(&module, counters).rewrite(body, allocations)?;
        allocations = reusable;
        code.raw(&function);
    }
    Ok(Instrumented {
        wasm: assemble(&module, counters, &code),
        analysis,
    })
}

/// Indices of the added globals.
#[derive(Clone, Copy)]
struct Counters {
    ink: u32,
    status: u32,
    stack: u32,
    scratch: u32,
}

impl Counters {
    fn after(module: &Module<'_>) -> Self {
        let first = module.globals;
        Self {
            ink: first,
            status: first + 1,
            stack: first + 2,
            scratch: first + 3,
        }
    }
}

/// Puts the module together again, with the counters and the metered code.
fn assemble(module: &Module<'_>, counters: Counters, code: &CodeSection) -> Vec<u8> {
    let mut out = wasm_encoder::Module::new();
    let existing = |id: SectionId| {
        module
            .sections
            .iter()
            .find(|section| section.id == id as u8)
    };
    let order = [
        SectionId::Type,
        SectionId::Import,
        SectionId::Function,
        SectionId::Table,
        SectionId::Memory,
        SectionId::Global,
        SectionId::Export,
        SectionId::Element,
        SectionId::Code,
        SectionId::Data,
    ];
    for id in order {
        let section = existing(id);
        match (id, section) {
            (SectionId::Global, section) => {
                let data = extend(module.wasm, section, ADDED_GLOBALS as u32, &added_globals());
                out.section(&RawSection {
                    id: id as u8,
                    data: &data,
                });
            }
            (SectionId::Export, section) => {
                let data = extend(module.wasm, section, 3, &added_exports(counters));
                out.section(&RawSection {
                    id: id as u8,
                    data: &data,
                });
            }
            (SectionId::Code, _) => {
                out.section(code);
            }
            (_, Some(section)) => {
                out.section(&RawSection {
                    id: id as u8,
                    data: &module.wasm[section.range.clone()],
                });
            }
            (_, None) => {}
        }
    }
    out.finish()
}

/// A vector section with `added` items appended to those it had.
fn extend(wasm: &[u8], section: Option<&Section>, added: u32, items: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    let Some(section) = section else {
        added.encode(&mut data);
        data.extend_from_slice(items);
        return data;
    };
    (section.items + added).encode(&mut data);
    let contents = &wasm[section.range.clone()];
    let count_len = contents
        .iter()
        .position(|byte| byte & 0x80 == 0)
        .map_or(0, |last| last + 1);
    data.extend_from_slice(&contents[count_len..]);
    data.extend_from_slice(items);
    data
}

fn added_globals() -> Vec<u8> {
    let global = |val_type| GlobalType {
        val_type,
        mutable: true,
        shared: false,
    };
    let mut items = Vec::new();
    for (ty, zero) in [
        (ValType::I64, ConstExpr::i64_const(0)),
        (ValType::I32, ConstExpr::i32_const(0)),
        (ValType::I32, ConstExpr::i32_const(0)),
        (ValType::I32, ConstExpr::i32_const(0)),
    ] {
        global(ty).encode(&mut items);
        zero.encode(&mut items);
    }
    items
}

fn added_exports(counters: Counters) -> Vec<u8> {
    let mut items = Vec::new();
    for (name, index) in [
        (export::INK_LEFT, counters.ink),
        (export::INK_STATUS, counters.status),
        (export::STACK_LEFT, counters.stack),
    ] {
        name.encode(&mut items);
        ExportKind::Global.encode(&mut items);
        index.encode(&mut items);
    }
    items
}

/// Rewrites one function.
struct Meter<'m, 'a> {
    module: &'m Module<'a>,
    counters: Counters,
    /// The metered code so far.
    out: Vec<u8>,
    /// The block being read, with what it costs.
    block: Vec<u8>,
    block_ink: u64,
}

impl<'m, 'a> Meter<'m, 'a> {
    fn new(module: &'m Module<'a>, counters: Counters) -> Self {
        Self {
            module,
            counters,
            out: Vec::new(),
            block: Vec::new(),
            block_ink: 0,
        }
    }

    fn rewrite(
        mut self,
        (function, body): Body<'a>,
        allocations: FuncValidatorAllocations,
    ) -> Result<(Vec<u8>, FuncValidatorAllocations), ModuleError> {
        let mut validator = function.into_validator(allocations);
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let count = validator.len_locals();
        if count > MAX_LOCALS {
            return Err(ModuleError::TooMany {
                what: "locals",
                count: count.into(),
                limit: MAX_LOCALS.into(),
            });
        }
        let mut code = self
            .slice(body.range().start, reader.original_position())
            .to_vec();
        let mut reader = OperatorsReader::new(reader);
        let mut max_height = 0;
        while !reader.eof() {
            let start = reader.original_position();
            let depth = validator.control_stack_height();
            let operator = reader.read()?;
            validator.op(start, &operator)?;
            max_height = max_height.max(validator.operand_stack_height());
            let bytes = self.slice(start, reader.original_position());
            self.feed(&operator, bytes, depth)?;
        }
        reader.finish()?;
        let frame = count
            .saturating_add(max_height)
            .saturating_add(FRAME_OVERHEAD);
        self.enclose(frame, self.result_type(validator.index()), &mut code);
        Ok((code, validator.into_allocations()))
    }

    /// Adds an instruction to the block, and closes the block if the instruction ends it.
    fn feed(
        &mut self,
        operator: &Operator<'_>,
        bytes: &[u8],
        depth: u32,
    ) -> Result<(), ModuleError> {
        let params = |index: u32| {
            let ty = usize::try_from(index)
                .ok()
                .and_then(|index| self.module.types.get(index));
            ty.map_or(0, |ty| ty.params().len() as u64)
        };
        let ink = price::ink(operator, params).ok_or_else(|| {
            ModuleError::Instruction(format!("{operator:?}").chars().take(100).collect())
        })?;
        self.block_ink = self.block_ink.saturating_add(ink);
        match operator {
            // To the block around the body, so that the frame is given back.
            Operator::Return => emit(&mut self.block, &[Instruction::Br(depth.saturating_sub(1))]),
            Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } => {
                self.pay_for_length();
                self.block.extend_from_slice(bytes);
            }
            Operator::MemoryGrow { .. } => {
                self.pay_for_pages();
                self.block.extend_from_slice(bytes);
            }
            _ => self.block.extend_from_slice(bytes),
        }
        if price::ends_block(operator) {
            self.close_block();
        }
        Ok(())
    }

    /// Emits the charge for the block's ink, then the block.
    fn close_block(&mut self) {
        let Counters { ink, status, .. } = self.counters;
        let cost =
            i64::try_from(self.block_ink.saturating_add(price::BLOCK_HEADER)).unwrap_or(i64::MAX);
        emit(
            &mut self.out,
            &[
                Instruction::GlobalGet(ink),
                Instruction::I64Const(cost),
                Instruction::I64LtU,
                Instruction::If(BlockType::Empty),
                Instruction::I32Const(1),
                Instruction::GlobalSet(status),
                Instruction::Unreachable,
                Instruction::End,
                Instruction::GlobalGet(ink),
                Instruction::I64Const(cost),
                Instruction::I64Sub,
                Instruction::GlobalSet(ink),
            ],
        );
        self.out.append(&mut self.block);
        self.block_ink = 0;
    }

    /// Charges for the length on top of the stack, and leaves it there.
    fn pay_for_length(&mut self) {
        let Counters {
            ink,
            status,
            scratch,
            ..
        } = self.counters;
        let cost = [
            Instruction::GlobalGet(scratch),
            Instruction::I64ExtendI32U,
            Instruction::I64Const(price::BULK_MEMORY_BYTE as i64),
            Instruction::I64Mul,
        ];
        emit(
            &mut self.block,
            &[Instruction::GlobalSet(scratch), Instruction::GlobalGet(ink)],
        );
        emit(&mut self.block, &cost);
        emit(
            &mut self.block,
            &[
                Instruction::I64LtU,
                Instruction::If(BlockType::Empty),
                Instruction::I32Const(1),
                Instruction::GlobalSet(status),
                Instruction::Unreachable,
                Instruction::End,
                Instruction::GlobalGet(ink),
            ],
        );
        emit(&mut self.block, &cost);
        emit(
            &mut self.block,
            &[
                Instruction::I64Sub,
                Instruction::GlobalSet(ink),
                Instruction::GlobalGet(scratch),
            ],
        );
    }

    /// Has the host charge for the pages on top of the stack, and leaves their number there.
    fn pay_for_pages(&mut self) {
        let scratch = self.counters.scratch;
        emit(
            &mut self.block,
            &[
                Instruction::GlobalSet(scratch),
                Instruction::GlobalGet(scratch),
                Instruction::GlobalGet(scratch),
                Instruction::Call(self.module.pay_for_memory_grow),
            ],
        );
    }

    /// Puts the body between taking its frame from the stack and giving it back.
    fn enclose(&self, frame: u32, result: BlockType, code: &mut Vec<u8>) {
        let Counters { stack, .. } = self.counters;
        let frame = i32::try_from(frame).unwrap_or(i32::MAX);
        emit(
            code,
            &[
                Instruction::GlobalGet(stack),
                Instruction::I32Const(frame),
                Instruction::I32LtU,
                Instruction::If(BlockType::Empty),
                Instruction::I32Const(0),
                Instruction::GlobalSet(stack),
                Instruction::Unreachable,
                Instruction::End,
                Instruction::GlobalGet(stack),
                Instruction::I32Const(frame),
                Instruction::I32Sub,
                Instruction::GlobalSet(stack),
                Instruction::Block(result),
            ],
        );
        // The body's own `end` closes the block.
        code.extend_from_slice(&self.out);
        emit(
            code,
            &[
                Instruction::GlobalGet(stack),
                Instruction::I32Const(frame),
                Instruction::I32Add,
                Instruction::GlobalSet(stack),
                Instruction::End,
            ],
        );
    }

    fn result_type(&self, function: u32) -> BlockType {
        match self.module.function_type(function).map(|ty| ty.results()) {
            Some([wasmparser::ValType::I64]) => BlockType::Result(ValType::I64),
            Some([_]) => BlockType::Result(ValType::I32),
            _ => BlockType::Empty,
        }
    }

    fn slice(&self, start: u64, end: u64) -> &'a [u8] {
        self.module
            .wasm
            .get(to_usize(start)..to_usize(end))
            .unwrap_or_default()
    }
}

fn emit(sink: &mut Vec<u8>, instructions: &[Instruction<'_>]) {
    instructions
        .iter()
        .for_each(|instruction| instruction.encode(sink));
}
