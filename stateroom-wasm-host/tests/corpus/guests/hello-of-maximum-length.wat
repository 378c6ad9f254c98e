;; Answers the greeting with a list of the largest possible length.
;;
;; outcome: refused: failed to start: bad_message: the guest's answer to `stateroom_hello` is invalid
(data (i32.const 64) "\ff\ff\ff\ff\ff\ff\ff\ff" "\00\00\00\00\00\00\00\00")
(func (export "stateroom_hello") (param i32 i32) (result i64)
  (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 16)))
