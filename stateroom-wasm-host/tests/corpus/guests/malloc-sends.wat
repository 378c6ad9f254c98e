;; Sends in `stateroom_malloc`: the effect counts as the event's.
;;
;; outcome: lives: 2 effects
(data (i32.const 256) "\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\00\00\00\00" "\00\00\00\00")
(func (export "stateroom_malloc") (param $length i32) (result i32)
  (call $send (i32.const 256) (i32.const 20)) (i32.const 65536))
