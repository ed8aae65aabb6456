//! Errors within errors.

/// Lets a type stand as a variant of an error enum: one of its errors, or bytes passed on.
///
/// `export-abi` of stylus-sdk 0.9 prints a signature for each variant, so it asks for a `SolError`, and that in turn
/// implements `MethodError` for it. Nothing encodes errors there.
macro_rules! nested_error {
    ($error:ty, $signatures:literal) => {
        #[cfg(not(feature = "export-abi"))]
        impl stylus_sdk::call::MethodError for $error {
            fn encode(self) -> alloc::vec::Vec<u8> {
                self.into()
            }
        }

        #[cfg(feature = "export-abi")]
        impl alloy_sol_types::SolError for $error {
            type Parameters<'a> = ();
            type Token<'a> = ();

            const SIGNATURE: &'static str = $signatures;
            const SELECTOR: [u8; 4] = [0; 4];

            fn new((): ()) -> Self {
                unimplemented!("a signature to print")
            }

            fn tokenize(&self) -> Self::Token<'_> {}
        }
    };
}
pub(crate) use nested_error;
