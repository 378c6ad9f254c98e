;; Traps in its constructors.
;;
;; outcome: no room: trap: unreachable
(func (export "_initialize") unreachable)
