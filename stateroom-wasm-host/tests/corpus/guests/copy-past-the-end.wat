;; Copies from outside of its memory.
;;
;; outcome: message: trap: out of bounds memory access
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (memory.copy (i32.const 0) (i32.const -8) (i32.const 16)))))
