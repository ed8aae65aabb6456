//! Just enough of an EVM assembler to write the StylusDeployer in.

use std::collections::HashMap;

use alloy::primitives::U256;
use revm::bytecode::opcode::{JUMP, JUMPDEST, JUMPI, MLOAD, MSTORE, PUSH0, PUSH2};

/// Code under construction. Jumps name labels, which may be defined later.
#[derive(Default)]
pub struct Assembler {
    code: Vec<u8>,
    labels: HashMap<&'static str, u16>,
    references: Vec<(usize, &'static str)>,
}

impl Assembler {
    /// Appends opcodes without immediates.
    pub fn ops(&mut self, opcodes: &[u8]) -> &mut Self {
        self.code.extend_from_slice(opcodes);
        self
    }

    /// Pushes a constant with the shortest `PUSH`.
    pub fn push(&mut self, value: U256) -> &mut Self {
        let value = value.to_be_bytes_trimmed_vec();
        self.code.push(PUSH0 + value.len() as u8);
        self.code.extend(value);
        self
    }

    /// Pushes the word of memory at `address`.
    pub fn load(&mut self, address: u64) -> &mut Self {
        self.push(U256::from(address)).ops(&[MLOAD])
    }

    /// Pops a word into memory at `address`.
    pub fn store(&mut self, address: u64) -> &mut Self {
        self.push(U256::from(address)).ops(&[MSTORE])
    }

    pub fn jump(&mut self, label: &'static str) -> &mut Self {
        self.reference(label).ops(&[JUMP])
    }

    /// Pops a condition, and jumps unless it is zero.
    pub fn jump_if(&mut self, label: &'static str) -> &mut Self {
        self.reference(label).ops(&[JUMPI])
    }

    /// Defines `label` here.
    pub fn label(&mut self, label: &'static str) -> &mut Self {
        self.labels.insert(label, self.code.len() as u16);
        self.ops(&[JUMPDEST])
    }

    fn reference(&mut self, label: &'static str) -> &mut Self {
        self.references.push((self.code.len() + 1, label));
        self.ops(&[PUSH2, 0, 0])
    }

    /// The code, all references resolved.
    ///
    /// # Panics
    /// If a label is undefined: a mistake in the program, which its first test meets.
    pub fn finish(mut self) -> Vec<u8> {
        for (position, label) in self.references {
            let target = self
                .labels
                .get(label)
                .unwrap_or_else(|| panic!("undefined label {label}"));
            self.code[position..position + 2].copy_from_slice(&target.to_be_bytes());
        }
        self.code
    }
}
