;; A service that echoes every message, for the conformance suite.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (memory (export "memory") 1)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")

  ;; The host allocates one buffer at a time, so every buffer has the same address, with free space before it.
  (func (export "stateroom_malloc") (param $length i32) (result i32) (local $pages i32)
    (local.set $pages (i32.add (i32.shr_u (local.get $length) (i32.const 16)) (i32.const 2)))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then
        (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
          (then (return (i32.const 0))))))
    (i32.const 1024))
  (func (export "stateroom_free") (param i32 i32))

  ;; Turns "message, sender, payload" into "message, client, sender, payload": four more bytes at the front.
  (func (export "stateroom_recv") (param $event i32) (param $length i32)
    (if (i32.eq (i32.load (local.get $event)) (i32.const 3))
      (then
        (i32.store (i32.sub (local.get $event) (i32.const 4)) (i32.const 0))
        (i32.store (local.get $event) (i32.const 1))
        (call $send (i32.sub (local.get $event) (i32.const 4)) (i32.add (local.get $length) (i32.const 4)))))))
