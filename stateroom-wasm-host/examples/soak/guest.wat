;; A guest of protocol 0 for the soak test: broadcasts each message.
;;
;; A message that begins with "!" traps, one that begins with "@" computes forever.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (memory (export "memory") 4)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")

  ;; The host has one buffer at a time, and frees it before it allocates a larger one.
  (func (export "stateroom_malloc") (param $length i32) (result i32)
    (if (result i32) (i32.gt_u (local.get $length) (i32.const 260000)) (then (i32.const 0)) (else (i32.const 1024))))
  (func (export "stateroom_free") (param i32 i32))

  (func (export "stateroom_recv") (param $event i32) (param $length i32) (local $first i32)
    (if (i32.ne (i32.load (local.get $event)) (i32.const 3)) (then (return)))
    ;; After the kind, the sender, the payload's kind and its length.
    (local.set $first (i32.load8_u offset=20 (local.get $event)))
    (if (i32.eq (local.get $first) (i32.const 33)) (then unreachable))
    (if (i32.eq (local.get $first) (i32.const 64)) (then (loop $again (br $again))))
    ;; "message, sender, payload" becomes "message, broadcast, payload".
    (i32.store (local.get $event) (i32.const 0))
    (i32.store offset=4 (local.get $event) (i32.const 0))
    (call $send (local.get $event) (local.get $length))))
