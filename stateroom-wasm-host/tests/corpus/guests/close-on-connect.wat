;; Closes each client when it connects.
;;
;; outcome: lives: 1 effects
;; served: 1000
(data (i32.const 64)
  "\06\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00" "\04\00\00\00" "\05\00\00\00"
  "\04\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00")
(func (export "stateroom_hello") (param i32 i32) (result i64)
  (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 56)))
(data (i32.const 256) "\02\00\00\00" "\01\00\00\00" "\e8\03" "\00\00\00\00\00\00\00\00")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 1)) (then
    (call $send (i32.const 256) (i32.const 18)))))
