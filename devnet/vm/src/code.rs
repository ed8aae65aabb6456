//! Stylus code as it stands on chain: a prefix, a dictionary, and compressed WASM.

use std::io::Read;

use brotli2::read::BrotliEncoder;
use brotli_decompressor::Decompressor;
use revm::primitives::Bytes;

use crate::wasm::MAX_WASM_SIZE;

/// What the code of every Stylus program starts with. A fourth byte names the dictionary; only 0, none, is in use.
pub const PREFIX: [u8; 3] = [0xEF, 0xF0, 0x00];

const NO_DICTIONARY: u8 = 0;
const COMPRESSION: u32 = 11;

/// Why code that claims to be a Stylus program cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    #[error("code is not a Stylus program")]
    NotAProgram,
    #[error("unsupported dictionary {0}")]
    Dictionary(u8),
    #[error("code does not decompress")]
    Compression,
    #[error("module exceeds {MAX_WASM_SIZE} bytes")]
    TooLarge,
}

/// Whether an account with this code is a Stylus program.
pub fn is_program(code: &[u8]) -> bool {
    code.len() > PREFIX.len() && code.starts_with(&PREFIX)
}

/// The WASM of a program's code.
///
/// # Errors
/// If the prefix or dictionary is another, or the rest does not decompress to a module of permitted size.
pub fn decode(code: &[u8]) -> Result<Vec<u8>, CodeError> {
    let (&dictionary, compressed) = code
        .strip_prefix(&PREFIX)
        .and_then(<[u8]>::split_first)
        .ok_or(CodeError::NotAProgram)?;
    if dictionary != NO_DICTIONARY {
        return Err(CodeError::Dictionary(dictionary));
    }
    let mut wasm = Vec::new();
    let limit = MAX_WASM_SIZE as u64 + 1;
    Decompressor::new(compressed, 4096)
        .take(limit)
        .read_to_end(&mut wasm)
        .map_err(|_| CodeError::Compression)?;
    if wasm.len() > MAX_WASM_SIZE {
        return Err(CodeError::TooLarge);
    }
    Ok(wasm)
}

/// The code to deploy for a module: what `cargo stylus` would produce from the same, already normalised, WASM. Its
/// compressor, because another makes other bytes; what comes from elsewhere is decompressed by one in safe Rust.
pub fn encode(wasm: &[u8]) -> Bytes {
    let mut code = PREFIX.to_vec();
    code.push(NO_DICTIONARY);
    BrotliEncoder::new(wasm, COMPRESSION)
        .read_to_end(&mut code)
        .expect("neither reading nor writing memory fails");
    code.into()
}

/// Init code that returns `code`: what a deployment transaction carries.
pub fn init_code(code: &[u8]) -> Bytes {
    // PUSH4 length, DUP1, PUSH1 offset, PUSH1 0, CODECOPY, PUSH1 0, RETURN
    let length = u32::try_from(code.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut init = vec![0x63];
    init.extend_from_slice(&length);
    init.extend_from_slice(&[0x80, 0x60, 0x0e, 0x60, 0x00, 0x39, 0x60, 0x00, 0xf3]);
    init.extend_from_slice(code);
    init.into()
}
