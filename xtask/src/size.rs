//! What programs weigh, and what they may weigh.

use crate::{
    build::{self, Program, ANY_HASH},
    diff,
    error::{Error, Result},
    workspace::{self, ContractCrate, Workspace},
};
use devnet_vm::wasm::ModuleAnalysis;
use std::fmt::Write;

/// The most that the chain takes as code.
pub const MAX_CODE: usize = 24_576;
/// Pages of memory at start: one is free.
pub const MAX_PAGES: u16 = 1;
/// Gas that starting a cached program may cost.
pub const MAX_CACHED_INIT: u16 = 1_500;
/// Gas that starting a cached program should cost at most.
pub const AIM_CACHED_INIT: u16 = 1_000;

/// More pages than any program has.
const PAGE_LIMIT: u16 = 128;

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Size {
    pub contract: String,
    pub code: usize,
    pub analysis: ModuleAnalysis,
}

impl Size {
    pub fn of(contract: &str, program: &Program) -> Result<Self> {
        let analysis = ModuleAnalysis::of(&program.wasm, PAGE_LIMIT)
            .map_err(|e| Error::contract(contract, format!("activation would refuse it: {e}")))?;
        Ok(Self {
            contract: contract.to_owned(),
            code: program.code.len(),
            analysis,
        })
    }

    /// What is over budget.
    pub fn excesses(&self) -> Vec<String> {
        let Self {
            contract,
            code,
            analysis,
        } = self;
        let mut found = Vec::new();
        if *code > MAX_CODE {
            found.push(format!(
                "{contract}: {code} bytes of code, {MAX_CODE} are allowed"
            ));
        }
        if analysis.pages > MAX_PAGES {
            found.push(format!(
                "{contract}: {} pages of memory, {MAX_PAGES} is allowed",
                analysis.pages
            ));
        }
        if analysis.cached_init > MAX_CACHED_INIT {
            found.push(format!(
                "{contract}: {} gas to start, {MAX_CACHED_INIT} are allowed",
                analysis.cached_init
            ));
        }
        found
    }

    /// What is within the budget, but above the aim.
    pub fn warnings(&self) -> Option<String> {
        let cached = self.analysis.cached_init;
        (AIM_CACHED_INIT < cached && cached <= MAX_CACHED_INIT).then(|| {
            format!(
                "{}: {cached} gas to start, {AIM_CACHED_INIT} is the aim",
                self.contract
            )
        })
    }
}

/// Measures contracts that have been compiled. The project hash is left out of account: it changes with every file.
pub fn measure(workspace: &Workspace, contracts: &[ContractCrate]) -> Result<Vec<Size>> {
    build::each(contracts, |contract| {
        let program = build::process(workspace, contract, ANY_HASH)?;
        Size::of(&contract.name, &program)
    })
}

/// The table, in Markdown and aligned, so that it serves the terminal too.
pub fn table(sizes: &[Size]) -> String {
    let header = [
        "contract",
        "wasm",
        "code",
        "pages",
        "functions",
        "data",
        "init gas",
        "cached_init gas",
    ];
    let mut rows = vec![header.map(String::from)];
    for Size {
        contract,
        code,
        analysis,
    } in sizes
    {
        rows.push([
            contract.clone(),
            grouped(analysis.wasm_len),
            grouped(*code as u64),
            analysis.pages.to_string(),
            analysis.funcs.to_string(),
            grouped(analysis.data_len),
            grouped(analysis.init.into()),
            grouped(analysis.cached_init.into()),
        ]);
    }
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..header.len()).map(width).collect();
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match column {
                0 => write!(out, "| {cell:<width$} "),
                _ => write!(out, "| {cell:>width$} "),
            };
        }
        out.push_str("|\n");
        if index == 0 {
            for (column, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(*width);
                out.push_str(&match column {
                    0 => format!("| {dashes} "),
                    _ => format!("| {}: ", &dashes[1..]),
                });
            }
            out.push_str("|\n");
        }
    }
    out
}

/// Thousands apart: `24 576`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// The page docs/sizes.md.
pub fn page(sizes: &[Size]) -> String {
    format!(
        "# Sizes\n\n\
         Generated by `cargo xtask size --markdown`; CI checks that it is fresh and within the budget: {} bytes of code, \
         {MAX_PAGES} page of memory, {} gas of `cached_init` ({} is the aim).\n\n\
         *wasm* is the module, *code* what stands on chain: four bytes and the module, compressed. *data* is what every \
         call pays for, 0.75 gas a byte. A cached program costs 352 gas and *cached_init* to enter, any other 9 216 \
         and *init*. The project hash inside a program, 32 bytes that change with every source file, is replaced by \
         a constant here; the real code can differ by a few bytes in length.\n\n{}",
        grouped(MAX_CODE as u64),
        grouped(MAX_CACHED_INIT.into()),
        grouped(AIM_CACHED_INIT.into()),
        table(sizes)
    )
}

/// Writes docs/sizes.md, or fails if it is not up to date.
pub fn update_page(workspace: &Workspace, sizes: &[Size], check: bool) -> Result<()> {
    let file = workspace.root().join("docs/sizes.md");
    let fresh = page(sizes);
    match check {
        true => diff::check(workspace, &file, &fresh, "cargo xtask size --markdown"),
        false => workspace::write(&file, fresh),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(code: usize, pages: u16, cached_init: u16) -> Size {
        let analysis = ModuleAnalysis {
            funcs: 10,
            types: 20,
            globals: 5,
            data_len: 1_000,
            wasm_len: 40_000,
            pages,
            init: 6_000,
            cached_init,
            asm_size: 0,
        };
        Size {
            contract: "sample".into(),
            code,
            analysis,
        }
    }

    #[test]
    fn budget() {
        assert!(size(24_576, 1, 1_500).excesses().is_empty());
        assert_eq!(
            size(24_577, 1, 900).excesses(),
            ["sample: 24577 bytes of code, 24576 are allowed"]
        );
        assert_eq!(
            size(20_000, 2, 900).excesses(),
            ["sample: 2 pages of memory, 1 is allowed"]
        );
        assert_eq!(
            size(20_000, 1, 1_501).excesses(),
            ["sample: 1501 gas to start, 1500 are allowed"]
        );
        assert_eq!(size(30_000, 3, 2_000).excesses().len(), 3);
    }

    #[test]
    fn aim() {
        assert_eq!(size(20_000, 1, 1_000).warnings(), None);
        assert!(size(20_000, 1, 1_001).warnings().is_some());
        assert_eq!(
            size(20_000, 1, 1_501).warnings(),
            None,
            "over budget is more than a warning"
        );
    }

    #[test]
    fn table_is_aligned() {
        let table = table(&[size(24_576, 1, 863)]);
        let lengths: Vec<_> = table.lines().map(str::len).collect();
        assert_eq!(lengths.len(), 3);
        assert!(
            lengths.iter().all(|length| *length == lengths[0]),
            "{table}"
        );
        assert!(table.contains("24 576"), "{table}");
    }
}
