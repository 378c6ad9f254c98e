;; Fills more memory than it has.
;;
;; outcome: message: trap: out of bounds memory access
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (memory.fill (i32.const 131070) (i32.const 1) (i32.const -1)))))
