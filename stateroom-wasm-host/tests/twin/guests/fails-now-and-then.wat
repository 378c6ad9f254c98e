;; Traps in some events, after it has changed all that it has.
(global $events (mut i32) (i32.const 0))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (global.set $events (i32.add (global.get $events) (local.get $length)))
  (i32.store (i32.const 2048) (global.get $events))
  (drop (call $random (i32.const 128) (i32.const 8)))
  (call $tell (i64.load (i32.const 128)))
  (if (i32.eqz (i32.rem_u (local.get $length) (i32.const 13))) (then unreachable))
  (call $tell (i64.extend_i32_u (global.get $events))))
