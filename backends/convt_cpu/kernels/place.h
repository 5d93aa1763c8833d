/* place: walks boxes in memory order. A template as direct.h is. */

/* Where an index lies in boxes of size[3], one behind the other; it moves on without divisions. */
typedef struct {
    int64_t outer, at[3];
} NAME(place);

static NAME(place) NAME(find_place)(int64_t index, const int64_t size[3])
{
    int64_t plane = index / size[2], volume = plane / size[1], outer = volume / size[0];
    return (NAME(place)){outer, {volume - outer * size[0], plane - volume * size[1], index - plane * size[2]}};
}

/* Moves on by `count`, which does not reach beyond the end of a row. */
static inline void NAME(move_on)(NAME(place) *place, int64_t count, const int64_t size[3])
{
    place->at[2] += count;
    for (int axis = 2; axis >= 0 && place->at[axis] == size[axis]; axis--) {
        place->at[axis] = 0;
        ++*(axis ? &place->at[axis - 1] : &place->outer);
    }
}
