//! Results of several values.
//!
//! `stylus-sdk` 0.9 encodes a tuple result with a dynamic member as one value, with an offset word in front that no
//! Solidity caller expects. [`Returns`] around the tuple encodes the members as Solidity does. The ABI is the same.

use alloc::vec::Vec;
use alloy_sol_types::{
    abi::{self, token::WordToken, TokenSeq},
    private::SolTypeValue,
    SolType, Word,
};
use core::marker::PhantomData;
use stylus_sdk::abi::{AbiType, ConstString};

/// The result of a function with several return values, of which at least one is dynamic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returns<T>(pub T);

/// The Solidity side of [`Returns`]: the tuple's type, encoded as a sequence.
#[derive(Debug)]
pub struct ReturnsSolType<T>(PhantomData<T>);

impl<T> SolType for ReturnsSolType<T>
where
    T: AbiType + SolTypeValue<T::SolType> + 'static,
    for<'a> <T::SolType as SolType>::Token<'a>: TokenSeq<'a>,
{
    type RustType = Returns<T>;
    type Token<'a> = <T::SolType as SolType>::Token<'a>;

    const SOL_NAME: &'static str = T::SolType::SOL_NAME;
    const ENCODED_SIZE: Option<usize> = T::SolType::ENCODED_SIZE;
    const PACKED_ENCODED_SIZE: Option<usize> = T::SolType::PACKED_ENCODED_SIZE;

    fn valid_token(token: &Self::Token<'_>) -> bool {
        T::SolType::valid_token(token)
    }

    fn detokenize(token: Self::Token<'_>) -> Self::RustType {
        Returns(T::SolType::detokenize(token))
    }

    fn abi_encode<E: ?Sized + SolTypeValue<Self>>(rust: &E) -> Vec<u8> {
        abi::encode_params(&rust.stv_to_tokens())
    }
}

impl<T> SolTypeValue<ReturnsSolType<T>> for Returns<T>
where
    T: AbiType + SolTypeValue<T::SolType> + 'static,
    for<'a> <T::SolType as SolType>::Token<'a>: TokenSeq<'a>,
{
    fn stv_to_tokens(&self) -> <T::SolType as SolType>::Token<'_> {
        self.0.stv_to_tokens()
    }

    fn stv_eip712_data_word(&self) -> Word {
        self.0.stv_eip712_data_word()
    }

    fn stv_abi_encode_packed_to(&self, out: &mut Vec<u8>) {
        self.0.stv_abi_encode_packed_to(out);
    }
}

impl<T> AbiType for Returns<T>
where
    T: AbiType + SolTypeValue<T::SolType> + 'static,
    for<'a> <T::SolType as SolType>::Token<'a>: TokenSeq<'a>,
{
    type SolType = ReturnsSolType<T>;

    const ABI: ConstString = T::ABI;
    const EXPORT_ABI_ARG: ConstString = T::EXPORT_ABI_ARG;
    const EXPORT_ABI_RET: ConstString = T::EXPORT_ABI_RET;
    const CAN_BE_CALLDATA: bool = false;
}

/// For `export-abi`: elementary types and arrays of them declare no types of their own.
#[cfg(feature = "export-abi")]
impl<T> stylus_sdk::abi::export::internal::InnerTypes for Returns<T> {}

/// A result that its function has encoded, as the ABI encodes the members of `T`: where the encoder would be most of the
/// function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded<T> {
    /// The encoded members.
    pub bytes: Vec<u8>,
    members: PhantomData<T>,
}

impl<T> From<Vec<u8>> for Encoded<T> {
    fn from(bytes: Vec<u8>) -> Self {
        let members = PhantomData;
        Self { bytes, members }
    }
}

/// Whether that is how `other` is encoded.
impl<T> PartialEq<Returns<T>> for Encoded<T>
where
    T: AbiType + SolTypeValue<T::SolType> + 'static,
    for<'a> <T::SolType as SolType>::Token<'a>: TokenSeq<'a>,
{
    fn eq(&self, other: &Returns<T>) -> bool {
        self.bytes == ReturnsSolType::<T>::abi_encode(other)
    }
}

/// The Solidity side of [`Encoded`].
#[derive(Debug)]
pub struct EncodedSolType<T>(PhantomData<T>);

impl<T: AbiType + 'static> SolType for EncodedSolType<T> {
    type RustType = Encoded<T>;
    /// Of no use: there is nothing left to encode.
    type Token<'a> = WordToken;

    const SOL_NAME: &'static str = T::SolType::SOL_NAME;
    const ENCODED_SIZE: Option<usize> = None;
    const PACKED_ENCODED_SIZE: Option<usize> = None;

    fn valid_token(_: &Self::Token<'_>) -> bool {
        false
    }

    fn detokenize(_: Self::Token<'_>) -> Self::RustType {
        Vec::new().into()
    }

    fn abi_encode<E: ?Sized + SolTypeValue<Self>>(rust: &E) -> Vec<u8> {
        let mut bytes = Vec::new();
        rust.stv_abi_encode_packed_to(&mut bytes);
        bytes
    }
}

impl<T: AbiType + 'static> SolTypeValue<EncodedSolType<T>> for Encoded<T> {
    fn stv_to_tokens(&self) -> WordToken {
        WordToken(Word::ZERO)
    }

    fn stv_eip712_data_word(&self) -> Word {
        Word::ZERO
    }

    fn stv_abi_encode_packed_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
    }
}

impl<T: AbiType + 'static> AbiType for Encoded<T> {
    type SolType = EncodedSolType<T>;

    const ABI: ConstString = T::ABI;
    const EXPORT_ABI_ARG: ConstString = T::EXPORT_ABI_ARG;
    const EXPORT_ABI_RET: ConstString = T::EXPORT_ABI_RET;
    const CAN_BE_CALLDATA: bool = false;
}

/// As of [`Returns`].
#[cfg(feature = "export-abi")]
impl<T> stylus_sdk::abi::export::internal::InnerTypes for Encoded<T> {}
