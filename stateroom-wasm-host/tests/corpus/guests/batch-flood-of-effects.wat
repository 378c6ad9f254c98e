;; Exceeds the number of an event's effects by one.
;;
;; outcome: init: effects: an event produced more than 1000 effects
(global (export "STATEROOM_EFFECTS") i32 (i32.const 16))
(data (i32.const 64)
  "\06\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00" "\04\00\00\00" "\05\00\00\00"
  "\00\00\00\00\00\00\00\00")
(func (export "stateroom_hello") (param i32 i32) (result i64)
  (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 40)))
(data (i32.const 256) "\ff\ff\00\00\00\00\00\00\00\00\00\00")
(func (export "stateroom_batch") (param i32 i32) (local $at i32)
  (local.set $at (i32.const 1024))
  (loop $next
    (i64.store (local.get $at) (i64.const 0))
    (i32.store offset=8 (local.get $at) (i32.const 0))
    (local.set $at (i32.add (local.get $at) (i32.const 12)))
    (br_if $next (i32.lt_u (local.get $at) (i32.const 13036))))
  (memory.copy (local.get $at) (i32.const 256) (i32.const 12))
  (i32.store (i32.const 16) (i32.const 1024))
  (i32.store (i32.const 20) (i32.sub (i32.add (local.get $at) (i32.const 12)) (i32.const 1024))))
