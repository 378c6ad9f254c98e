;; The same echo, for hosts with and without batches of events.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (memory (export "memory") 4)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  ;; The address and the length of the effects.
  (global (export "STATEROOM_EFFECTS") i32 (i32.const 16))
  ;; 64: the answer to the greeting, with the kinds of protocol 0.
  (data (i32.const 64)
    "\05\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00" "\04\00\00\00"
    "\02\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00")
  (func (export "stateroom_hello") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 44)))
  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "stateroom_free") (param i32 i32))
  (func (export "stateroom_recv") (param $event i32) (param $length i32)
    (if (i32.eq (i32.load (local.get $event)) (i32.const 3))
      (then
        (i32.store (i32.sub (local.get $event) (i32.const 4)) (i32.const 0))
        (i32.store (local.get $event) (i32.const 1))
        (call $send (i32.sub (local.get $event) (i32.const 4)) (i32.add (local.get $length) (i32.const 4))))))
  (func (export "stateroom_batch") (param $at i32) (param $length i32)
    (local $end i32) (local $out i32) (local $size i32)
    (local.set $out (i32.const 131072))
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (loop $next
      (local.set $size (i32.load offset=8 (local.get $at)))
      (if (i32.eq (i32.load16_u (local.get $at)) (i32.const 3))
        (then
          ;; "message, sender, content" becomes "message to a client, client, content".
          (i32.store16 (local.get $out) (i32.const 0))
          (i32.store16 offset=2 (local.get $out) (i32.or (i32.load16_u offset=2 (local.get $at)) (i32.const 2)))
          (i64.store offset=4 (local.get $out) (i64.load offset=4 (local.get $at)))
          (memory.copy
            (i32.add (local.get $out) (i32.const 12)) (i32.add (local.get $at) (i32.const 12)) (local.get $size))
          (local.set $out (i32.add (i32.add (local.get $out) (i32.const 12)) (local.get $size)))))
      ;; The end of the event.
      (i64.store (local.get $out) (i64.const 0xffff))
      (i32.store offset=8 (local.get $out) (i32.const 0))
      (local.set $out (i32.add (local.get $out) (i32.const 12)))
      (i32.store (i32.const 16) (i32.const 131072))
      (i32.store (i32.const 20) (i32.sub (local.get $out) (i32.const 131072)))
      (local.set $at (i32.add (i32.add (local.get $at) (i32.const 12)) (local.get $size)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))))
