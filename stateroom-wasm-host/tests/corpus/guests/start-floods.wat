;; Sends forever in its start function.
;;
;; outcome: refused: failed to start: effects: an event produced more than 1000 effects
(data (i32.const 256) "\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\00\00\00\00" "\00\00\00\00")
(func $start (loop $again (call $send (i32.const 256) (i32.const 20)) (br $again)))
(start $start)
