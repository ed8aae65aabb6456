//! Modules as compilers make them, and as Stylus takes them.

use wasm_encoder::{
    reencode::{Error, Reencode, RoundtripReencoder},
    Module, RawSection,
};
use wasmparser::{Parser, Payload};

/// What is to be rewritten is no module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a WASM module: {0}")]
pub struct NotAModule(String);

/// Encodes a module anew, which turns the encodings that newer proposals allow into those that Stylus knows: mostly the
/// padded numbers of tables and types that linkers leave room for. `cargo stylus` prints modules as text and parses that,
/// with the same result.
///
/// # Errors
/// If it is no module.
pub fn normalise(wasm: &[u8]) -> Result<Vec<u8>, NotAModule> {
    let mut module = Module::new();
    RoundtripReencoder
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error: Error| NotAModule(error.to_string()))?;
    Ok(module.finish())
}

/// Drops custom sections: names, what made the module, hashes.
///
/// # Errors
/// If it is no module.
pub fn without_custom_sections(wasm: &[u8]) -> Result<Vec<u8>, NotAModule> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|error| NotAModule(error.to_string()))?;
        if matches!(
            payload,
            Payload::CustomSection(_) | Payload::UnknownSection { .. }
        ) {
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

    /// A module with a call through a table whose number is padded to five bytes, as linkers write it.
    fn padded() -> Vec<u8> {
        let plain = wat::parse_str(
            r#"(module (type (func)) (table 1 funcref) (memory (export "memory") 1)
                (func $named (export "user_entrypoint") i32.const 0 call_indirect (type 0)))"#,
        )
        .unwrap();
        let call = [0x11, 0x00, 0x00, 0x0b];
        let at = plain.windows(4).position(|window| window == call).unwrap();
        let mut padded = plain.clone();
        padded.splice(at + 2..at + 3, [0x80, 0x80, 0x80, 0x80, 0x00]);
        // The body's and the section's lengths stand before it.
        let body = at - 4;
        assert_eq!(usize::from(padded[body]), plain[body..at + 4].len() - 1);
        padded[body] += 4;
        padded[body - 2] += 4;
        padded
    }

    #[test]
    fn padding_goes_and_the_module_stays_the_same() {
        let padded = padded();
        let normal = normalise(&padded).unwrap();
        assert_eq!(normal.len(), padded.len() - 4);
        let text = wasmprinter::print_bytes(&padded).unwrap();
        assert_eq!(wasmprinter::print_bytes(&normal).unwrap(), text);
        assert_eq!(wat::parse_str(text).unwrap(), normal);
        assert_eq!(normalise(&normal).unwrap(), normal);
    }

    #[test]
    fn custom_sections_go() {
        let wasm = wat::parse_str(
            r#"(module (@custom "project_hash" "x") (memory (export "memory") 1) (func $named (export "user_entrypoint")))"#,
        )
        .unwrap();
        let bare = without_custom_sections(&wasm).unwrap();
        assert!(bare.len() < wasm.len());
        assert!(!bare.windows(12).any(|window| window == b"project_hash"));
        assert_eq!(without_custom_sections(&bare).unwrap(), bare);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(normalise(b"no module").is_err());
        assert!(without_custom_sections(b"no module").is_err());
        let cut = padded();
        assert!(normalise(&cut[..cut.len() - 3]).is_err());
    }
}
