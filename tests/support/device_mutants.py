"""Backends with memory of their own that break one promise each about it, or about calls on arrays that lie there."""

import numpy as np
from fakes import CallerArray, SamplingArray, SamplingDevice

from convt.backend import BackendUnavailable


class Array(SamplingArray):
    """An array of the device, which may lie there as float16."""

    def __init__(self, host, dtype=None):
        super().__init__(host)
        self.storage, self.dtype = host.dtype.name, np.dtype(dtype or host.dtype)

    def summed(self):
        return type(self)(self.host, np.float32 if self.storage == "float16" else None)

    def view(self, dtype):
        return type(self)(self.host.view(dtype))

    def reshape(self, shape, order):
        return type(self)(super().reshape(shape, order).host, self.dtype)

    def transpose(self, axes):
        return type(self)(self.host.transpose(axes), self.dtype)

    def __getitem__(self, key):
        return type(self)(self.host[key], self.dtype)


class Device(SamplingDevice):
    """A sane device, which keeps calls: what the mutants are made of. Callers have `CallerArray`."""

    name = "mutant"
    storage = ("float16", "float32", "float64")
    kinds = (CallerArray,)

    def __init__(self):
        super().__init__("mutant")

    def from_caller(self, array):
        return array if isinstance(array, Array) else Array(array.host)

    def from_host(self, array):
        return Array(array.copy(order="C"))

    def empty(self, shape, dtype, like):
        known = self.from_caller(like)
        in_memory = np.float16 if known.storage == "float16" and dtype == np.float32 else dtype
        return Array(np.full(shape, 7).astype(in_memory), dtype)

    def outline(self, *arrays):
        if not all(isinstance(array, CallerArray) for array in arrays):
            return None
        return tuple((array.host.shape, array.host.strides, array.host.dtype) for array in arrays)

    def prepare(self, data_map, problem, left, right, bias, out, result):
        def again(x, w, bias):
            made = self.empty(result.shape, result.dtype, x)
            arrays = [None if each is None else self.from_caller(each) for each in (x, w, bias)]
            getattr(self, data_map)(problem, *arrays, made)
            return self.to_caller(made, x)

        return again


class HalfADevice:
    """An object that makes arrays, and cannot take any in."""

    name = "half"
    scatter = gather = correlate = empty = Device.empty


def broken(name):
    def member(self, *arguments):
        raise RuntimeError("the device is lost")

    return {name: member}


def with_array(**members):
    """A device whose arrays are of a class with these members."""
    kind = type("Broken", (Array,), members)

    def of_kind(array):
        made = kind.__new__(kind)
        made.__dict__.update(vars(array))
        return made

    def from_caller(self, array):
        return array if isinstance(array, kind) else of_kind(Device.from_caller(self, array))

    return {
        "from_caller": from_caller,
        "from_host": lambda self, array: of_kind(Device.from_host(self, array)),
        "empty": lambda self, *arguments: of_kind(Device.empty(self, *arguments)),
    }


# Copies, ownership, new arrays.


def sharing_the_source(self, array):
    return Array(np.ascontiguousarray(array))


def fetching_without_a_copy(self, array):
    return array.host


def sending_in_memory_order(self, array):
    return Array(array.ravel(order="K").reshape(array.shape).copy())


def sending_as_float32(self, array):
    return Array(array.astype(np.float32))


def fetching_a_list(self, array):
    return array.host.tolist()


def owning_what_callers_have(self, array):
    return isinstance(array, CallerArray)


def owning_our_own(self, array):
    return isinstance(array, Array)


def owning_no_views(self, array):
    return Device.owns(self, array) and getattr(array, "host", np.zeros(1)).base is None


def owning_nothing_new(self, array):
    return Device.owns(self, array) and not (isinstance(array, Array) and (array.host == 7).all())


def owning_nothing_given_back(self, array):
    return Device.owns(self, array) and not (isinstance(array, CallerArray) and (array.host == 7).all())


PLACES = {}


def one_place_for_all(self, shape, dtype, like):
    return Array(PLACES.setdefault((shape, np.dtype(dtype)), np.zeros(shape, dtype)))


def made_flat(self, shape, dtype, like):
    return Array(np.zeros(int(np.prod(shape)), dtype))


def made_as_like(self, shape, dtype, like):
    return Array(np.zeros(shape, self.from_caller(like).dtype))


def taking_a_copy(self, array):
    return array if isinstance(array, Array) else Array(array.host.copy())


def taking_anew(self, array):
    return Array(array.host)


def giving_a_copy(self, array, like):
    return array if isinstance(like, Array) else type(like)(array.host.copy())


def giving_the_base(self, array, like):
    return array if isinstance(like, Array) else type(like)(array.host if array.host.base is None else array.host.base)


def giving_our_own(self, array, like):
    return array


def filling_with_one(self, key, value):
    self.host[key] = 1


def filling_with_zero_only(self, key, value):
    self.host[key] = value if value != 0 else self.host[key]


# What an array can do.


def a_view_that_copies(self, axes):
    return type(self)(self.host.transpose(axes).copy(), self.dtype)


def reversed_whatever_is_asked(self, axes):
    return type(self)(self.host.T, self.dtype)


def reshape_that_copies(self, shape, order):
    return type(self)(self.host.reshape(shape, order=order), self.dtype)


def reshape_without_order(self, shape, order):
    return Array.reshape(self, shape, "C")


def new_axis_at_the_wrong_end(self, key):
    return type(self)(self.host[None], self.dtype)


def one_new_axis(self, key):
    return type(self)(self.host[None if key == (None, None) else key], self.dtype)


def numbers_of_another_type(self, dtype):
    return type(self)(self.host.astype(dtype))


def sum_of_float64(self):
    return type(self)(self.host, np.float64)


def fortran_for_all(self):
    return tuple(range(self.ndim))[::-1] if self.host.flags.f_contiguous else Array(self.host).order


# Calls.


def writing_before_looking(self, problem, coarse, indices, fine):
    fine[...] = 0
    return Device.max_unpool(self, problem, coarse, indices, fine)


def planes_by_the_image(self, problem, indices, sign, moved):
    size = int(np.prod(problem.fine_shape))
    images = np.arange(problem.batch).reshape(-1, *[1] * (indices.ndim - 1))
    moved.host[...] = indices.host + sign * images * size


def moving_one_way(self, problem, indices, sign, moved):
    Device.move_indices(self, problem, indices, 1, moved)


def moving_in_place(self, problem, indices, sign, moved):
    Device.move_indices(self, problem, indices, sign, moved)
    indices.host[...] = moved.host


def halves_summed_in_halves(self, problem, fine, coarse, kernel):
    Device.correlate(self, problem, fine, coarse, kernel)
    if fine.storage == "float16":
        kernel.host += np.float16(1)


def only_on_the_host(self, problem, coarse, kernel, bias, fine):
    if isinstance(fine, Array):
        raise BackendUnavailable("no arrays of the device")
    Device.scatter(self, problem, coarse, kernel, bias, fine)


def wrong_on_the_device(self, problem, fine, kernel, bias, coarse):
    Device.gather(self, problem, fine, kernel, bias, coarse)
    if isinstance(coarse, Array) and bias is not None:
        coarse.host *= 2


def order_ignored_on_the_device(self, problem, fine, coarse, kernel):
    if isinstance(fine, Array):
        fine = Array(fine.host.ravel(order="K").reshape(fine.shape))
    Device.correlate(self, problem, fine, coarse, kernel)


def input_changed_on_the_device(self, problem, coarse, kernel, bias, fine):
    Device.scatter(self, problem, coarse, kernel, bias, fine)
    if isinstance(coarse, Array) and problem.batch == 1:
        coarse.host[...] = 0


def outline_of_addresses(self, *arrays):
    return tuple(id(array) for array in arrays) if isinstance(arrays[0], CallerArray) else None


def outline_without_shapes(self, *arrays):
    return Device.outline(self, *arrays) and tuple(array.host.dtype for array in arrays)


def outline_in_a_list(self, *arrays):
    return Device.outline(self, *arrays) and list(Device.outline(self, *arrays))


def outline_of_hosts(self, *arrays):
    return tuple(array.shape for array in arrays)


def preparing(change):
    """What `Device` prepares, changed: a function of it and its answer to a call."""

    def prepare(self, data_map, problem, left, right, bias, out, result):
        again = Device.prepare(self, data_map, problem, left, right, bias, out, result)
        first = CallerArray(out.host.copy())
        return lambda x, w, third: change(again, first, x, w, third)

    prepare.__name__ = change.__name__
    return {"prepare": prepare}


def the_first_answer_again(again, first, x, w, bias):
    return first


def into_the_same_memory(again, first, x, w, bias):
    first.host[...] = again(x, w, bias).host
    return first


def without_the_bias(again, first, x, w, bias):
    return again(x, w, None)


def as_our_own(again, first, x, w, bias):
    return Array(again(x, w, bias).host)


def lost(again, first, x, w, bias):
    raise RuntimeError("the device is lost")


LOST = "raised RuntimeError: the device is lost"
HOOKS = ("from_host", "to_host", "from_caller", "to_caller", "empty", "outline", "prepare", "move_indices")
SAMPLING = ("upsample", "upsample_backward", "max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward")
MAPS = [
    *((broken(name), f"{name} {LOST}") for name in ("scatter", "gather", "correlate", "channel_sums")),
    ({"scatter": only_on_the_host}, "on its device, .*: scatter raised BackendUnavailable: no arrays of the device"),
    ({"gather": wrong_on_the_device}, "on its device, a single product, float32: gather with a bias is wrong"),
    ({"scatter": input_changed_on_the_device}, "on its device, .*: scatter changes its input"),
]
MEMORY = [
    ({"correlate": order_ignored_on_the_device}, "on its device, arrays in Fortran order, float32: correlate is wrong")
]
PROMISES = [
    *((broken(name), f"on its device.* {LOST}") for name in HOOKS),
    *((broken(name), f"on its device.* {name} {LOST}") for name in SAMPLING),
    (broken("owns"), r"owns must return False for a NumPy array, got RuntimeError\('the device is lost'\)"),
    ({"from_host": sharing_the_source}, "from_host must copy: what it made, after its source was changed"),
    ({"to_host": fetching_without_a_copy}, "to_host must copy: its source, after the copy was changed"),
    ({"from_host": sending_in_memory_order}, "from_host of an array in Fortran order has not the right content"),
    ({"from_host": sending_as_float32}, "from_host: the array's dtype must be int64, got float32"),
    ({"to_host": fetching_a_list}, "to_host must return a NumPy array, got list"),
    ({"owns": owning_what_callers_have}, "owns must return True for what from_host made"),
    ({"owns": owning_our_own}, "owns must return True for a caller's CallerArray on the device"),
    ({"owns": owning_no_views}, "owns must return True for a view by transpose"),
    ({"owns": owning_nothing_new}, "owns must return True for what empty made"),
    ({"owns": owning_nothing_given_back}, "owns must return True for what to_caller made of an array"),
    ({"empty": one_place_for_all}, "empty must make an array of its own: one, after another was filled with 0, has not"),
    ({"empty": made_flat}, r"empty: the array's shape must be \(2, 3, 4\), got \(24,\)"),
    ({"empty": made_as_like}, "empty: the array's dtype must be int64, got float32"),
    ({"from_caller": taking_a_copy}, "to_caller and from_caller must not copy: an array, filled with 3 later, has not"),
    ({"from_caller": taking_anew}, "from_caller must return an array of the backend's own kind as it is"),
    ({"to_caller": giving_a_copy}, "to_caller and from_caller must not copy: an array, filled with 3 later, has not"),
    ({"to_caller": giving_the_base}, r"a transposed array, filled with 3 later, must have \(4, 2, 3\)"),
    ({"to_caller": giving_our_own}, "to_caller must return the caller's CallerArray, got Array"),
    (with_array(__setitem__=filling_with_one), "after another was filled with 0, has not the right content"),
    (with_array(__setitem__=filling_with_zero_only), "an array that was filled with 0 has not the right content"),
    (with_array(__setitem__=None), "an array of the device raised TypeError: "),
    (with_array(transpose=a_view_that_copies), "transpose must not copy: a view, after its base was filled with 3, has not"),
    (with_array(transpose=reversed_whatever_is_asked), r"transpose: the array's shape must be \(3, 4, 2\), got \(4, 3, 2\)"),
    (with_array(reshape=reshape_that_copies), "reshape of a transposed array in order 'C' must raise ValueError"),
    (with_array(reshape=reshape_without_order), "reshape of a transposed array in F order"),
    (with_array(reshape=None), "reshape in C order: an array of the device raised TypeError: "),
    (with_array(__getitem__=new_axis_at_the_wrong_end), r"\[..., None\]: the array's shape must be \(7, 1\), got \(1, 7\)"),
    (with_array(__getitem__=one_new_axis), r"\[None, None\]: the array's shape must be \(1, 1, 2, 3, 4\)"),
    (
        with_array(view=numbers_of_another_type),
        "view must not copy: a view, after its base was filled with 3, has not the right content",
    ),
    (with_array(order=(0, 1, 2)), r"an array in Fortran order must have order .2, 1, 0., got .0, 1, 2."),
    (with_array(order=property(fortran_for_all)), "an array in both orders must have order .0, 1, 2., got .2, 1, 0."),
    ({"storage": "float32"}, "storage must be a tuple of names with 'float32' and 'float64', got 'float32'"),
    (with_array(summed=sum_of_float64), "summed.. of float16 must have dtype float32 and storage 'float16', got float64"),
    ({"correlate": halves_summed_in_halves}, "arrays of float16, float32: correlate is wrong"),
    ({"max_unpool": writing_before_looking}, "max_unpool writes before it has looked at all indices, of which one is -1"),
    ({"move_indices": planes_by_the_image}, "the result of move_indices by 1 in C order has not the right content"),
    ({"move_indices": moving_one_way}, "the result of move_indices by -1 in C order has not the right content"),
    ({"move_indices": moving_in_place}, "the input of move_indices, which must not change, has not the right content"),
    ({"outline": outline_of_addresses}, "outline must be equal for calls that differ in memory alone"),
    ({"outline": outline_without_shapes}, "outline must differ for arrays of another shape"),
    ({"outline": outline_in_a_list}, "outline must return something hashable, got "),
    ({"outline": outline_of_hosts}, "outline must return None for NumPy arrays"),
    (preparing(the_first_answer_again), "a repeated call of scatter has not the right content"),
    (preparing(into_the_same_memory), "a repeated call of scatter has not the right content"),
    (preparing(without_the_bias), "a repeated call of scatter has not the right content"),
    (preparing(as_our_own), "a repeated call must return the caller's CallerArray, got Array"),
    (preparing(lost), "repeated calls, float32: an array of the device raised RuntimeError: the device is lost"),
]
TABLE = [
    (topic, type("Mutant", (Device,), members), message)
    for topic, rows in {"device": PROMISES, "maps": MAPS, "memory": MEMORY}.items()
    for members, message in rows
] + [("device", HalfADevice, "without from_caller, from_host, to_caller, to_host$")]
