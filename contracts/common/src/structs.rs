//! Structs as parameters and results.

/// Lets a struct of `sol!` be a parameter or a result: `abi_struct!(Point(U256, U256))`, with the types of its members as
/// parameters of the contract's functions have them (`bytes` is `stylus_sdk::abi::Bytes`).
///
/// In place of `#[derive(AbiType)]`: in stylus-sdk 0.9 that makes the struct's *name* its type where selectors are
/// computed, so that nobody who knows the ABI reaches the function.
#[macro_export]
macro_rules! abi_struct {
    ($name:ident($($member:ty),+ $(,)?)) => {
        impl stylus_sdk::abi::AbiType for $name {
            type SolType = Self;

            #[cfg(not(feature = "export-abi"))]
            const ABI: stylus_sdk::abi::ConstString =
                <($($member,)+) as stylus_sdk::abi::AbiType>::ABI;
            // What is printed names the struct. Nothing computes selectors there.
            #[cfg(feature = "export-abi")]
            const ABI: stylus_sdk::abi::ConstString =
                stylus_sdk::abi::ConstString::new(stringify!($name));
            #[cfg(feature = "export-abi")]
            const EXPORT_ABI_ARG: stylus_sdk::abi::ConstString =
                stylus_sdk::abi::ConstString::new(concat!(stringify!($name), " calldata"));
        }

        #[cfg(feature = "export-abi")]
        impl stylus_sdk::abi::export::internal::InnerTypes for $name {}
    };
}
