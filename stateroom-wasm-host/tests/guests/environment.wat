;; Broadcasts the wall clock, the monotonic clock, and eight random bytes, for each message.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  ;; 64: message, broadcast; bytes, 24 of them, at 80.
  (data (i32.const 64) "\00\00\00\00" "\00\00\00\00" "\00\00\00\00" "\18\00\00\00\00\00\00\00")
  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 65536))
  (func (export "stateroom_free") (param i32 i32))
  (func (export "stateroom_recv") (param $event i32) (param $length i32)
    (if (i32.eq (i32.load (local.get $event)) (i32.const 3))
      (then
        (drop (call $time (i32.const 0) (i64.const 1) (i32.const 96)))
        (drop (call $time (i32.const 1) (i64.const 1) (i32.const 104)))
        (drop (call $random (i32.const 112) (i32.const 8)))
        (memory.copy (i32.const 84) (i32.const 96) (i32.const 24))
        (call $send (i32.const 64) (i32.const 44))))))
