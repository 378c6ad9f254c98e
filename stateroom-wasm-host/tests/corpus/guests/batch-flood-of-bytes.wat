;; Exceeds the size of an event's effects, with the same bytes again and again.
;;
;; outcome: init: effects: an event produced more than 1 MiB of effects
(global (export "STATEROOM_EFFECTS") i32 (i32.const 16))
(data (i32.const 64)
  "\06\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00" "\04\00\00\00" "\05\00\00\00"
  "\00\00\00\00\00\00\00\00")
(func (export "stateroom_hello") (param i32 i32) (result i64)
  (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 40)))
(memory (export "memory") 40)
(func (export "stateroom_batch") (param i32 i32)
  (i32.store (i32.const 131072) (i32.const 0))
  (i32.store (i32.const 131080) (i32.const 1200000))
  (i64.store (i32.const 1331084) (i64.const 0xffff))
  (i32.store (i32.const 16) (i32.const 131072))
  (i32.store (i32.const 20) (i32.const 1200024)))
