;; Overwrites all of its memory while it reads an event.
;;
;; outcome: lives: 0 effects
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (memory.fill (i32.const 0) (i32.const 255) (i32.const 131072)))))
