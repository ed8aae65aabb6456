//! What keys sign, in letters.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};

/// `BPE: 0x<operator> operates this key, says its holder at <time> to 0x<contract> on chain <chain>.`
pub(crate) fn text(operator: Address, time: U256, contract: Address, chain: U256) -> Vec<u8> {
    let mut text = b"BPE: 0x".to_vec();
    push_hex(&mut text, operator.as_slice());
    text.extend_from_slice(b" operates this key, says its holder at ");
    push_decimal(&mut text, time);
    text.extend_from_slice(b" to 0x");
    push_hex(&mut text, contract.as_slice());
    text.extend_from_slice(b" on chain ");
    push_decimal(&mut text, chain);
    text.push(b'.');
    text
}

/// An event of Nostr without tags, as NIP-01 serialises it to hash it. The content has nothing that would have to be escaped.
pub(crate) fn event(key: B256, time: U256, kind: u64, content: &[u8]) -> Vec<u8> {
    let mut event = b"[0,\"".to_vec();
    push_hex(&mut event, key.as_slice());
    event.extend_from_slice(b"\",");
    push_decimal(&mut event, time);
    event.push(b',');
    push_decimal(&mut event, U256::from(kind));
    event.extend_from_slice(b",[],\"");
    event.extend_from_slice(content);
    event.extend_from_slice(b"\"]");
    event
}

fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        text.push(hex_digit(byte >> 4));
        text.push(hex_digit(byte & 15));
    }
}

fn hex_digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0'.wrapping_add(value),
        _ => b'a'.wrapping_sub(10).wrapping_add(value),
    }
}

/// Of more than 64 bits, the most that 64 bits can be: no time and no chain is.
fn push_decimal(text: &mut Vec<u8>, number: U256) {
    let mut rest: u64 = number.saturating_to();
    let mut digits = [0; 20];
    let mut length = 0_usize;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.wrapping_add((rest % 10) as u8);
        length = length.wrapping_add(1);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.extend(digits.iter().skip(digits.len().wrapping_sub(length)));
}
