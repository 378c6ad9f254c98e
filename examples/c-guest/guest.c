// A buzzer game. A client sends "start", and the room answers "GO!" after a random delay. The first client to send
// "buzz" scores a point. A client that sends it before "GO!" is out of the round.

#define _DEFAULT_SOURCE // for getentropy and clock_gettime

#include "stateroom.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_NAME_LENGTH = 32, // in bytes
    MIN_DELAY = 1000,     // in milliseconds, between "start" and "GO!"
    MAX_DELAY = 4000,
    TIME_TO_BUZZ = 5000,
};

static const char HELP[] = "commands: name NAME, start, buzz, scores, help, bye; any other text goes to the others";

struct player {
    uint32_t client;
    uint32_t points;
    bool out; // of this round
    char name[MAX_NAME_LENGTH + 1];
};

// The room

static struct player *players; // connected players
static size_t player_count;
static size_t player_capacity;
static enum { NO_ROUND, GET_READY, GO } phase;
static int64_t go_time;

static struct player *find_player(uint32_t client) {
    for (size_t i = 0; i < player_count; i++) {
        if (players[i].client == client) return &players[i];
    }
    return NULL;
}

static struct player *add_player(uint32_t client) {
    if (player_count == player_capacity) {
        size_t capacity = player_capacity > 0 ? 2 * player_capacity : 8;
        struct player *more = NULL;
        if (capacity <= SIZE_MAX / sizeof *more) more = realloc(players, capacity * sizeof *more);
        if (more == NULL) stateroom_fail("too many players");
        players = more;
        player_capacity = capacity;
    }
    struct player *player = &players[player_count++];
    *player = (struct player){.client = client};
    snprintf(player->name, sizeof player->name, "player %" PRIu32, client);
    return player;
}

static bool everyone_is_out(void) {
    for (size_t i = 0; i < player_count; i++) {
        if (!players[i].out) return false;
    }
    return true;
}

static int64_t milliseconds(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) stateroom_fail("no clock");
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Commands of players

static void rename_player(struct player *player, const char *name, size_t length) {
    bool valid = length > 0 && length <= MAX_NAME_LENGTH;
    for (size_t i = 0; valid && i < length; i++) {
        if ((unsigned char)name[i] < ' ') valid = false; // control characters, such as line breaks
    }
    if (!valid) {
        stateroom_send_format(stateroom_only(player->client), "a name is one line of 1 to %d bytes", MAX_NAME_LENGTH);
        return;
    }
    char old[sizeof player->name];
    memcpy(old, player->name, sizeof old);
    memcpy(player->name, name, length);
    player->name[length] = '\0';
    stateroom_send_format(stateroom_everyone(), "%s is now %s", old, player->name);
}

static void start(const struct player *player) {
    if (phase != NO_ROUND) {
        stateroom_send_format(stateroom_only(player->client), "the round is not over yet");
        return;
    }
    for (size_t i = 0; i < player_count; i++) players[i].out = false;
    phase = GET_READY;
    stateroom_send_format(stateroom_everyone(), "%s starts a round: get ready", player->name);
    uint32_t entropy;
    if (getentropy(&entropy, sizeof entropy) != 0) stateroom_fail("no random numbers");
    stateroom_set_timer(MIN_DELAY + entropy % (MAX_DELAY - MIN_DELAY + 1));
}

static void buzz(struct player *player) {
    if (phase == NO_ROUND) {
        stateroom_send_format(stateroom_only(player->client), "send start first");
    } else if (player->out) {
        stateroom_send_format(stateroom_only(player->client), "you are out of this round");
    } else if (phase == GET_READY) {
        player->out = true;
        stateroom_send_format(stateroom_everyone(), "%s was too early", player->name);
    } else {
        player->points++;
        phase = NO_ROUND;
        stateroom_send_format(stateroom_everyone(), "%s has it, after %" PRId64 " ms", player->name,
                              milliseconds() - go_time);
    }
}

static void send_scores(const struct player *player) {
    for (size_t i = 0; i < player_count; i++) {
        stateroom_send_format(stateroom_only(player->client), "%" PRIu32 " %s", players[i].points, players[i].name);
    }
}

static void close_player(const struct player *player) {
    if (!stateroom_close_client(player->client, 1000, "bye")) {
        stateroom_send_format(stateroom_only(player->client), "bye; please close the connection");
    }
}

static void forward(const struct player *player, const char *text, size_t length) {
    size_t name = strlen(player->name);
    if (length > SIZE_MAX - name - 2) stateroom_fail("text too long");
    char *line = malloc(name + 2 + length);
    if (line == NULL) stateroom_fail("out of memory");
    memcpy(line, player->name, name);
    memcpy(line + name, ": ", 2);
    memcpy(line + name + 2, text, length);
    stateroom_send_text(stateroom_all_but(player->client), line, name + 2 + length);
    free(line);
}

// Event handlers

void on_init(void) {
    printf("room started: %s\n", stateroom_room_id()); // goes to the host's log when flushed
    fflush(stdout);
}

void on_connect(uint32_t client) {
    struct player *player = find_player(client);
    if (player == NULL) player = add_player(client);
    player->out = phase != NO_ROUND; // plays from the next round
    const char *room = stateroom_room_id();
    const char *to_room = *room != '\0' ? " to room " : "";
    stateroom_send_format(stateroom_only(client), "welcome%s%s, %s", to_room, room, player->name);
    stateroom_send_format(stateroom_only(client), "%s", HELP);
    stateroom_send_format(stateroom_all_but(client), "%s is here", player->name);
}

void on_disconnect(uint32_t client) {
    struct player *player = find_player(client);
    if (player == NULL) return;
    stateroom_send_format(stateroom_all_but(client), "%s has left", player->name);
    *player = players[--player_count];
}

static bool equals(const char *text, size_t length, const char *word) {
    return length == strlen(word) && memcmp(text, word, length) == 0;
}

void on_text(uint32_t sender, const char *text, size_t length) {
    struct player *player = find_player(sender);
    if (player == NULL) return;
    if (length >= 5 && memcmp(text, "name ", 5) == 0) rename_player(player, text + 5, length - 5);
    else if (equals(text, length, "start")) start(player);
    else if (equals(text, length, "buzz")) buzz(player);
    else if (equals(text, length, "scores")) send_scores(player);
    else if (equals(text, length, "bye")) close_player(player);
    else if (equals(text, length, "help") || length == 0) stateroom_send_format(stateroom_only(sender), "%s", HELP);
    else forward(player, text, length);
}

// Forwards binary messages unchanged.
void on_bytes(uint32_t sender, const uint8_t *bytes, size_t length) {
    if (find_player(sender) != NULL) stateroom_send_bytes(stateroom_all_but(sender), bytes, length);
}

// A timer cannot be canceled. If the round has already been won, it fires without a round and does nothing.
void on_timer(void) {
    if (phase == GET_READY && !everyone_is_out()) {
        phase = GO;
        go_time = milliseconds();
        stateroom_send_format(stateroom_everyone(), "GO!");
        stateroom_set_timer(TIME_TO_BUZZ);
    } else if (phase != NO_ROUND) {
        phase = NO_ROUND;
        stateroom_send_format(stateroom_everyone(), "nobody has it");
    }
}
