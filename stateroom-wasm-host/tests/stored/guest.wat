;; A guest with each kind of state that a host has to store: memory that grows, globals of several types, floating-point numbers,
;; times of both clocks, random numbers, and a timer.
;;
;; A message is mixed into the state, which is the answer. "?" asks for the state only, and what begins with "t" sets a timer of five
;; seconds, which is mixed into the state, too. In 64 bytes, the state is a hash, a sum, the bits of a NaN, the time of both clocks,
;; 16 random bytes of which 11 are new each time, how often the timer has fired, the pages of memory, and who asks.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  ;; Five kinds of events, and two of effects.
  (data (i32.const 128) "\05\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00" "\04\00\00\00"
    "\02\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00")
  ;; Set the timer to 5,000 ms.
  (data (i32.const 256) "\01\00\00\00" "\88\13\00\00")
  ;; Broadcast 64 bytes: the state.
  (data (i32.const 1000) "\00\00\00\00" "\00\00\00\00" "\00\00\00\00" "\40\00\00\00\00\00\00\00")
  (global $hash (mut i64) (i64.const 7))
  (global $sum (mut f64) (f64.const 0.1))
  (global $nan (mut f32) (f32.const 1))
  (global $ticks (mut i32) (i32.const 0))

  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 4096))
  (func (export "stateroom_free") (param i32 i32))
  (func (export "stateroom_hello") (param i32 i32) (result i64) (i64.or (i64.shl (i64.const 128) (i64.const 32)) (i64.const 44)))

  (func $mix (param $byte i32)
    (global.set $hash (i64.add (i64.mul (global.get $hash) (i64.const 31)) (i64.extend_i32_u (local.get $byte)))))

  (func $advance
    (global.set $sum (f64.div
      (f64.sqrt (f64.add (f64.mul (global.get $sum) (f64.const 1.5)) (f64.convert_i64_u (global.get $hash))))
      (f64.const 3)))
    (global.set $nan (f32.div (f32.sub (global.get $nan) (global.get $nan)) (f32.const 0)))
    (drop (call $time (i32.const 0) (i64.const 1) (i32.const 1040)))
    (drop (call $time (i32.const 1) (i64.const 1) (i32.const 1048)))
    (drop (call $random (i32.const 1056) (i32.const 11)))
    (if (i32.lt_u (memory.size) (i32.const 4)) (then
      (i64.store offset=8 (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)) (global.get $hash)))))

  (func $tell
    (i64.store (i32.const 1020) (global.get $hash))
    (f64.store (i32.const 1028) (global.get $sum))
    (f32.store (i32.const 1036) (global.get $nan))
    (i32.store (i32.const 1072) (global.get $ticks))
    (i32.store (i32.const 1076) (memory.size))
    (call $send (i32.const 1000) (i32.const 84)))

  (func (export "stateroom_recv") (param $event i32) (param $length i32) (local $at i32) (local $end i32)
    ;; The timer
    (if (i32.eq (i32.load (local.get $event)) (i32.const 4)) (then
      (global.set $ticks (i32.add (global.get $ticks) (i32.const 1)))
      (call $mix (i32.const 255))
      (call $advance)
      (return)))
    ;; Not a message, or one without content
    (if (i32.ne (i32.load (local.get $event)) (i32.const 3)) (then (return)))
    (if (i32.le_u (local.get $length) (i32.const 20)) (then (return)))
    (i32.store (i32.const 1080) (i32.load offset=4 (local.get $event)))
    (local.set $at (i32.add (local.get $event) (i32.const 20)))
    (local.set $end (i32.add (local.get $event) (local.get $length)))
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x3f)) (then (call $tell) (return)))
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x74)) (then (call $send (i32.const 256) (i32.const 8))))
    (loop $next
      (call $mix (i32.load8_u (local.get $at)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end))))
    (call $advance)
    (call $tell)))
