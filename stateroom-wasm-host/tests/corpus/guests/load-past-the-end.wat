;; Reads where address and offset overflow together.
;;
;; outcome: message: trap: out of bounds memory access
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (drop (i64.load offset=4294967295 (i32.const -1))))))
