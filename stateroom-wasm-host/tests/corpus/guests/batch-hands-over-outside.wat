;; Hands over effects outside of its memory.
;;
;; outcome: init: bad_pointer: the guest passed 16 bytes at address 4294967292
(global (export "STATEROOM_EFFECTS") i32 (i32.const 16))
(data (i32.const 64)
  "\06\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00" "\04\00\00\00" "\05\00\00\00"
  "\00\00\00\00\00\00\00\00")
(func (export "stateroom_hello") (param i32 i32) (result i64)
  (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 40)))
(func (export "stateroom_batch") (param i32 i32)
  (call $send (i32.const -4) (i32.const 16)))
