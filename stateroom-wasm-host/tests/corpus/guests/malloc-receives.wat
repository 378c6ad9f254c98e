;; Calls its `stateroom_recv` in `stateroom_malloc`, with an event that was never sent.
;;
;; outcome: lives: 0 effects
(func $receive (export "stateroom_recv") (param i32 i32))
(func (export "stateroom_malloc") (param $length i32) (result i32)
  (call $receive (i32.const -1) (i32.const -1)) (i32.const 65536))
