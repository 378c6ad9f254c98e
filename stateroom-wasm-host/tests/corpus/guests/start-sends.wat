;; Sends in its start function: the effect is released with the first event.
;;
;; outcome: lives: 1 effects
(data (i32.const 256) "\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\00\00\00\00" "\00\00\00\00")
(func $start (call $send (i32.const 256) (i32.const 20)))
(start $start)
