// What a Stateroom service in C is made of. The service defines the on_ functions; Stateroom calls them, one at a
// time. In them, it asks for what it wants with the stateroom_ functions; that happens when the on_ function returns.
//
// Each room is an instance of the module with a memory of its own: static variables are the state of one room.

#ifndef STATEROOM_H
#define STATEROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What the service defines. Texts are UTF-8 and, like bytes, end after `length`, not with a zero; they are gone when
// the function returns.

void on_init(void);                     // the room begins
void on_connect(uint32_t client);       // a client has joined
void on_disconnect(uint32_t client);    // it has left
void on_text(uint32_t sender, const char *text, size_t length);
void on_bytes(uint32_t sender, const uint8_t *bytes, size_t length);
void on_timer(void);                    // the time that was set has come

// To whom a message goes.

struct stateroom_recipient {
    uint32_t kind;
    uint32_t client;
};

struct stateroom_recipient stateroom_everybody(void);
struct stateroom_recipient stateroom_only(uint32_t client);
struct stateroom_recipient stateroom_all_but(uint32_t client);

// What the service can ask for. If there is not enough memory for it, the room ends.

void stateroom_send_text(struct stateroom_recipient to, const char *text, size_t length); // has to be UTF-8
void stateroom_send_bytes(struct stateroom_recipient to, const void *bytes, size_t length);

// Sends a text that is written like one for printf.
__attribute__((format(printf, 2, 3)))
void stateroom_send_format(struct stateroom_recipient to, const char *format, ...);

// A room has one timer, which fires once, after 0 ms as soon as it can. Setting it again forgets what was set before.
void stateroom_set_timer(uint32_t milliseconds);

// Ends the connection of a client, after what was sent to it before; on_disconnect comes as always. The code is 1000,
// or 3000 to 4999; the reason has at most 123 bytes, and has to be UTF-8. False where the host cannot do it: hosts that
// are older than the greeting do not know how.
bool stateroom_close_client(uint32_t client, uint16_t code, const char *reason);

// The room's name in the address, or "" on hosts that are older than the greeting.
const char *stateroom_room_id(void);

// Ends the room, with this as the reason in the host's log.
_Noreturn void stateroom_fail(const char *reason);

#endif
