//! WASM modules as compilers make them, and as Stylus takes them.

use wasm_encoder::{Module, RawSection};
use wasmparser::{Parser, Payload};

/// A module cannot be made into a program.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error("not a WASM module: {0}")]
    Print(String),
    #[error("cannot reassemble the module: {0}")]
    Parse(#[from] wat::Error),
    #[error("cannot read the module's sections: {0}")]
    Sections(#[from] wasmparser::BinaryReaderError),
}

/// Prints the module and parses it again, which turns the encodings of newer proposals into those that Stylus knows,
/// and drops custom sections.
pub fn normalise(wasm: &[u8]) -> Result<Vec<u8>, ProgramError> {
    let text =
        wasmprinter::print_bytes(wasm).map_err(|error| ProgramError::Print(error.to_string()))?;
    let wasm = wat::parse_str(text)?;
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(&wasm) {
        let payload = payload?;
        if matches!(payload, Payload::CustomSection(_)) {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            module.section(&RawSection {
                id,
                data: &wasm[range.start as usize..range.end as usize],
            });
        }
    }
    Ok(module.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalised_modules_have_no_custom_sections() {
        let wasm = wat::parse_str(
            r#"(module (@custom "project_hash" "x") (memory (export "memory") 1) (func $named (export "user_entrypoint")))"#,
        )
        .unwrap();
        let normal = normalise(&wasm).unwrap();
        assert!(normal.len() < wasm.len());
        assert!(!normal.windows(12).any(|window| window == b"project_hash"));
        assert_eq!(normalise(&normal).unwrap(), normal);
        assert!(normalise(b"no module").is_err());
    }
}
