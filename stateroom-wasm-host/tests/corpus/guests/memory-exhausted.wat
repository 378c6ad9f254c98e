;; Grows its memory up to the limit, and traps.
;;
;; outcome: message: memory: an event needed more than a guest's limit of 4 MiB of memory
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    unreachable)))
