;; Takes an event that was never sent, while it is asked for memory.
;;
;; outcome: lives: 0 effects
(func $receive (export "stateroom_recv") (param i32 i32))
(func (export "stateroom_malloc") (param $length i32) (result i32)
  (call $receive (i32.const -1) (i32.const -1)) (i32.const 65536))
