;; Hands over an effect of the same event, forever.
;;
;; outcome: init: effects: an event produced more than 1000 effects
(global (export "STATEROOM_EFFECTS") i32 (i32.const 16))
(data (i32.const 64)
  "\06\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00" "\04\00\00\00" "\05\00\00\00"
  "\00\00\00\00\00\00\00\00")
(func (export "stateroom_hello") (param i32 i32) (result i64)
  (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 40)))
(data (i32.const 256) "\00\00\00\00\00\00\00\00\00\00\00\00")
(func (export "stateroom_batch") (param i32 i32)
  (loop $again (call $send (i32.const 256) (i32.const 12)) (br $again)))
