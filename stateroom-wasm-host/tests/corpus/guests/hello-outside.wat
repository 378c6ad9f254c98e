;; Returns an answer to the greeting outside of its memory.
;;
;; outcome: refused: failed to start: bad_pointer: the guest passed 56 bytes at address 131071
(func (export "stateroom_hello") (param i32 i32) (result i64)
  (i64.or (i64.shl (i64.const 131071) (i64.const 32)) (i64.const 56)))
