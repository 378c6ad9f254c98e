;; Answers the greeting with zero bytes.
;;
;; outcome: refused: failed to start: bad_message: the guest's answer to `stateroom_hello` is invalid
(func (export "stateroom_hello") (param i32 i32) (result i64)
  (i64.or (i64.shl (i64.const 0) (i64.const 32)) (i64.const 0)))
