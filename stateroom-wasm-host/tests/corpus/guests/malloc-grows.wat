;; Grows for every event, a lot, and keeps it all.
;;
;; outcome: lives: 0 effects
(func (export "stateroom_malloc") (param $length i32) (result i32)
  (i32.mul (memory.grow (i32.const 20)) (i32.const 65536)))
