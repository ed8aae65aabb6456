;; A program that does what its calldata says: an operation byte, then that operation's operands.
(module
  (import "vm_hooks" "read_args" (func $read_args (param i32)))
  (import "vm_hooks" "write_result" (func $write_result (param i32 i32)))
  (import "vm_hooks" "exit_early" (func $exit_early (param i32)))
  (import "vm_hooks" "call_contract" (func $call_contract (param i32 i32 i32 i32 i64 i32) (result i32)))
  (import "vm_hooks" "static_call_contract" (func $static_call (param i32 i32 i32 i64 i32) (result i32)))
  (import "vm_hooks" "delegate_call_contract" (func $delegate_call (param i32 i32 i32 i64 i32) (result i32)))
  (import "vm_hooks" "create1" (func $create1 (param i32 i32 i32 i32 i32)))
  (import "vm_hooks" "create2" (func $create2 (param i32 i32 i32 i32 i32 i32)))
  (import "vm_hooks" "return_data_size" (func $return_data_size (result i32)))
  (import "vm_hooks" "read_return_data" (func $read_return_data (param i32 i32 i32) (result i32)))
  (import "vm_hooks" "storage_load_bytes32" (func $load (param i32 i32)))
  (import "vm_hooks" "storage_cache_bytes32" (func $cache (param i32 i32)))
  (import "vm_hooks" "storage_flush_cache" (func $flush (param i32)))
  (import "vm_hooks" "transient_store_bytes32" (func $transient_store (param i32 i32)))
  (import "vm_hooks" "transient_load_bytes32" (func $transient_load (param i32 i32)))
  (import "vm_hooks" "emit_log" (func $emit_log (param i32 i32 i32)))
  (import "vm_hooks" "msg_reentrant" (func $msg_reentrant (result i32)))
  (import "vm_hooks" "msg_sender" (func $msg_sender (param i32)))
  (import "vm_hooks" "msg_value" (func $msg_value (param i32)))
  (import "vm_hooks" "contract_address" (func $contract_address (param i32)))
  (import "vm_hooks" "block_number" (func $block_number (result i64)))
  (import "vm_hooks" "block_timestamp" (func $block_timestamp (result i64)))
  (import "vm_hooks" "block_gas_limit" (func $block_gas_limit (result i64)))
  (import "vm_hooks" "block_basefee" (func $block_basefee (param i32)))
  (import "vm_hooks" "block_coinbase" (func $block_coinbase (param i32)))
  (import "vm_hooks" "tx_gas_price" (func $tx_gas_price (param i32)))
  (import "vm_hooks" "evm_gas_left" (func $evm_gas_left (result i64)))
  (import "vm_hooks" "evm_ink_left" (func $evm_ink_left (result i64)))
  (import "vm_hooks" "account_balance" (func $account_balance (param i32 i32)))
  (import "vm_hooks" "account_codehash" (func $account_codehash (param i32 i32)))
  (import "vm_hooks" "account_code_size" (func $account_code_size (param i32) (result i32)))
  (import "vm_hooks" "account_code" (func $account_code (param i32 i32 i32 i32) (result i32)))
  (import "vm_hooks" "math_mul_mod" (func $math_mul_mod (param i32 i32 i32)))
  (import "vm_hooks" "math_mod" (func $math_mod (param i32 i32)))
  (import "vm_hooks" "pay_for_memory_grow" (func $pay_for_memory_grow (param i32)))
  (memory (export "memory") 1)

  ;; The result: a status byte at 32767, data from 32768 on.
  (func $return_call (param $status i32)
    (local $size i32)
    (local.set $size (call $return_data_size))
    (i32.store8 (i32.const 32767) (local.get $status))
    (drop (call $read_return_data (i32.const 32768) (i32.const 0) (local.get $size)))
    (call $write_result (i32.const 32767) (i32.add (local.get $size) (i32.const 1))))

  (func $recurse (param $n i32) (result i32)
    (if (result i32) (local.get $n)
      (then (i32.add (i32.const 1) (call $recurse (i32.sub (local.get $n) (i32.const 1)))))
      (else (i32.const 0))))

  (func $environment
    (call $msg_sender (i32.const 32768))
    (call $msg_value (i32.const 32788))
    (call $contract_address (i32.const 32820))
    (i32.store8 (i32.const 32840) (call $msg_reentrant))
    (i64.store (i32.const 32841) (call $block_number))
    (i64.store (i32.const 32849) (call $block_timestamp))
    (i64.store (i32.const 32857) (call $block_gas_limit))
    (call $block_basefee (i32.const 32865))
    (call $block_coinbase (i32.const 32897))
    (call $tx_gas_price (i32.const 32917))
    (call $write_result (i32.const 32768) (i32.const 181)))

  (func $account
    (call $account_balance (i32.const 1) (i32.const 32768))
    (call $account_codehash (i32.const 1) (i32.const 32800))
    (i32.store (i32.const 32832) (call $account_code_size (i32.const 1)))
    (i32.store (i32.const 32836)
      (call $account_code (i32.const 1) (i32.const 1) (i32.const 4) (i32.const 32840)))
    (call $write_result (i32.const 32768) (i32.const 76)))

  (func (export "user_entrypoint") (param $len i32) (result i32)
    (local $op i32)
    (call $read_args (i32.const 0))
    (local.set $op (i32.load8_u (i32.const 0)))
    (block $default
    (block $rewrite (block $recurse_often (block $return_much (block $revert_early (block $gas (block $mul_mod (block $account
    (block $transient_load (block $transient_store (block $log_bad (block $log
    (block $wild_pointer (block $grow (block $recurse (block $spin
    (block $trap (block $load (block $store_unflushed (block $store
    (block $create2 (block $create1 (block $delegate (block $static
    (block $call (block $environment
      (br_table $environment $call $static $delegate $create1 $create2 $store $store_unflushed $load $trap $spin
        $recurse $grow $wild_pointer $log $log_bad $transient_store $transient_load $account $mul_mod $gas
        $revert_early $return_much $recurse_often $rewrite $default (local.get $op)))
    ;; 0: the environment
    (call $environment) (return (i32.const 0)))
    ;; 1: call: value, address, data
    (call $return_call (call $call_contract (i32.const 33) (i32.const 53) (i32.sub (local.get $len) (i32.const 53))
      (i32.const 1) (i64.const -1) (i32.const 32760)))
    (return (i32.const 0)))
    ;; 2: static call: address, data
    (call $return_call (call $static_call (i32.const 1) (i32.const 21) (i32.sub (local.get $len) (i32.const 21))
      (i64.const -1) (i32.const 32760)))
    (return (i32.const 0)))
    ;; 3: delegate call: address, data
    (call $return_call (call $delegate_call (i32.const 1) (i32.const 21) (i32.sub (local.get $len) (i32.const 21))
      (i64.const -1) (i32.const 32760)))
    (return (i32.const 0)))
    ;; 4: create: value, init code
    (call $create1 (i32.const 33) (i32.sub (local.get $len) (i32.const 33)) (i32.const 1)
      (i32.const 32768) (i32.const 32788))
    (call $write_result (i32.const 32768) (i32.const 24)) (return (i32.const 0)))
    ;; 5: create2: value, salt, init code
    (call $create2 (i32.const 65) (i32.sub (local.get $len) (i32.const 65)) (i32.const 1) (i32.const 33)
      (i32.const 32768) (i32.const 32788))
    (call $write_result (i32.const 32768) (i32.const 24)) (return (i32.const 0)))
    ;; 6: store: key, value
    (call $cache (i32.const 1) (i32.const 33)) (call $flush (i32.const 0)) (return (i32.const 0)))
    ;; 7: store, without a flush
    (call $cache (i32.const 1) (i32.const 33)) (return (i32.const 0)))
    ;; 8: load: key
    (call $load (i32.const 1) (i32.const 32768))
    (call $write_result (i32.const 32768) (i32.const 32)) (return (i32.const 0)))
    ;; 9: trap, having set a result
    (call $write_result (i32.const 0) (local.get $len)) (unreachable))
    ;; 10: spin until the ink is gone
    (loop $forever (br $forever)))
    ;; 11: recurse as deep as the four bytes say
    (i32.store (i32.const 32768) (call $recurse (i32.load (i32.const 1))))
    (call $write_result (i32.const 32768) (i32.const 4)) (return (i32.const 0)))
    ;; 12: grow the memory by the four bytes
    (i32.store (i32.const 32768) (memory.grow (i32.load (i32.const 1))))
    (call $write_result (i32.const 32768) (i32.const 4)) (return (i32.const 0)))
    ;; 13: hand out a pointer beyond the memory
    (call $msg_sender (i32.const -8)) (return (i32.const 0)))
    ;; 14: log with one topic: topic, data
    (call $emit_log (i32.const 1) (i32.sub (local.get $len) (i32.const 1)) (i32.const 1)) (return (i32.const 0)))
    ;; 15: log with five topics
    (call $emit_log (i32.const 1) (i32.const 160) (i32.const 5)) (return (i32.const 0)))
    ;; 16: transient store: key, value
    (call $transient_store (i32.const 1) (i32.const 33)) (return (i32.const 0)))
    ;; 17: transient load: key
    (call $transient_load (i32.const 1) (i32.const 32768))
    (call $write_result (i32.const 32768) (i32.const 32)) (return (i32.const 0)))
    ;; 18: what is known of an account: address
    (call $account) (return (i32.const 0)))
    ;; 19: a * b mod n
    (call $math_mul_mod (i32.const 1) (i32.const 33) (i32.const 65))
    (call $write_result (i32.const 1) (i32.const 32)) (return (i32.const 0)))
    ;; 20: gas and ink left
    (i64.store (i32.const 32768) (call $evm_gas_left))
    (i64.store (i32.const 32776) (call $evm_ink_left))
    (call $write_result (i32.const 32768) (i32.const 16)) (return (i32.const 0)))
    ;; 21: revert early with the calldata
    (call $write_result (i32.const 0) (local.get $len)) (call $exit_early (i32.const 1)) (return (i32.const 0)))
    ;; 22: return as much memory as the four bytes say
    (call $write_result (i32.const 0) (i32.load (i32.const 1))) (return (i32.const 0)))
    ;; 23: recurse by 100, as often as the four bytes say
    (local.set $op (i32.load (i32.const 1)))
    (loop $again
      (drop (call $recurse (i32.const 100)))
      (br_if $again (local.tee $op (i32.sub (local.get $op) (i32.const 1)))))
    (return (i32.const 0)))
    ;; 24: store what is loaded: key
    (call $load (i32.const 1) (i32.const 32768)) (call $cache (i32.const 1) (i32.const 32768))
    (call $flush (i32.const 1)) (return (i32.const 0)))
    ;; anything else: revert
    (return (i32.const 1))))
