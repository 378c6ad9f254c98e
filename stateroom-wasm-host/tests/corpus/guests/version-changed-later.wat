;; Changes its version number at run time.
;;
;; outcome: lives: 0 effects
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 0)) (then
    (memory.fill (i32.const 0) (i32.const 255) (i32.const 64)))))
