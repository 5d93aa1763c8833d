"""A sane backend, of which mutants are made."""

from convt.numpy_backend import NumpyBackend, pooling, upsampling


class Sane(NumpyBackend):
    """NumPy with upsampling and pooling of its own: what the mutants are made of."""

    name = "mutant"

    def channel_sums(self, problem, array, sums):
        array.sum(axis=(0, *range(2, array.ndim)), out=sums)

    def upsample(self, problem, mode, align_corners, coarse, fine):
        upsampling.upsample(problem, mode, align_corners, coarse, fine)

    def upsample_backward(self, problem, mode, align_corners, fine, coarse):
        upsampling.upsample_backward(problem, mode, align_corners, fine, coarse)

    def max_pool(self, problem, fine, coarse, indices):
        pooling.max_pool(problem, fine, coarse, indices)

    def max_pool_backward(self, problem, coarse, indices, fine):
        return pooling.max_pool_backward(problem, coarse, indices, fine)

    def max_unpool(self, problem, coarse, indices, fine):
        return pooling.max_unpool(problem, coarse, indices, fine)

    def max_unpool_backward(self, problem, fine, indices, coarse):
        return pooling.max_unpool_backward(problem, fine, indices, coarse)
