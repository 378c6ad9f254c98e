;; Grows its memory up to the limit in its start function, and continues.
;;
;; outcome: lives: 0 effects
(func $start (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))))
(start $start)
