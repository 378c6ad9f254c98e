;; Waits for four billion subscriptions, for which WASI returns an error.
;;
;; outcome: lives: 0 effects
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (drop (call $poll (i32.const 256) (i32.const 512) (i32.const -1) (i32.const 1024))))))
