;; Takes all the memory it gets in its start function, and lives with it.
;;
;; outcome: lives: 0 effects
(func $start (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))))
(start $start)
