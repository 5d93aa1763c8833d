"""On a cluster of this machine's processes, from files to files: a worker's memory is bounded by chunks, not by arrays."""

import resource

import numpy as np
import pytest

import convt

da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
zarr = pytest.importorskip("zarr")

MB = 2**20


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    settings = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": None, "local_directory": str(folder)}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as found:
        yield found


@pytest.fixture
def peaks(client):
    """The most memory that each worker has had, in bytes."""

    def peak():  # goes to workers as it is: they do not find this module
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    return lambda: client.run(peak)


def image(size, folder):
    """Numbers in a file, made chunk by chunk."""
    stored = zarr.create_array(folder, shape=(1, 1, size, size), chunks=(1, 1, 512, 512), dtype="f4", compressors=None)
    for row in range(0, size, 512):
        stored[0, 0, row : row + 512] = (
            np.arange(size, dtype="f4") % 251 + np.arange(row, row + 512, dtype="f4")[:, None] % 13
        )
    return stored


def test_a_large_image_goes_through_a_worker_of_little_memory(peaks, rng, tmp_path):
    size, w = 4096, rng.integers(-3, 4, (1, 1, 4, 4)).astype("f4")
    options = {"stride": 2, "padding": 1}
    stored = image(size, tmp_path / "x")
    x = da.from_zarr(stored)

    def written(x, name):
        y = convt.conv_transpose(x, w, **options)
        target = zarr.create_array(tmp_path / name, shape=y.shape, chunks=y.chunksize, dtype="f4", compressors=None)
        da.store(y, target, lock=False)
        return target

    written(x[..., :1024, :1024], "small")
    before = peaks()
    y = written(x, "y")
    more = max(after - before[worker] for worker, after in peaks().items())
    assert y.nbytes == 4 * stored.nbytes == 256 * MB
    assert more < 100 * MB

    for corner in (0, 1000, 7192):
        begin = max(0, corner // 2 - 8)
        rows = slice(begin, min(size, corner // 2 + 520))
        part = convt.conv_transpose(np.asarray(stored[:, :, rows, rows]), w, **options)
        first = corner - 2 * begin
        got, wanted = (
            y[:, :, corner : corner + 1000, corner : corner + 1000],
            part[:, :, first : first + 1000, first : first + 1000],
        )
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-3)


def test_gradients_pooling_and_upsampling_on_workers(client, rng):
    x, w = rng.integers(-5, 6, (2, 3, 40, 37)).astype("f8"), rng.integers(-5, 6, (3, 2, 4, 4)).astype("f8")
    lazy, options = da.from_array(x, chunks=(1, 3, 16, 20)), {"stride": 2, "padding": 1, "backend": "numpy"}
    y = convt.conv_transpose(lazy, w, **options)
    gradients = convt.conv_transpose_backward(lazy, w, None, y, **options)
    pooled = convt.max_pool(y, 3, 2)
    large = convt.upsample(pooled.y, 2, mode="bilinear")
    got = client.gather(client.compute([y, gradients.x, gradients.w, *pooled, large]))
    whole = convt.conv_transpose(x, w, **options)
    wanted = convt.conv_transpose_backward(x, w, None, whole, **options)
    pools = convt.max_pool(whole, 3, 2)
    for each, expected in zip(
        got, [whole, wanted.x, wanted.w, *pools, convt.upsample(pools.y, 2, mode="bilinear")], strict=True
    ):
        np.testing.assert_array_equal(each, expected)


def test_what_a_worker_finds_wrong_is_told(client):
    indices = np.full((1, 8), 99)
    lazy = convt.max_unpool(da.ones((1, 8), chunks=(1, 2)), indices, 2, layout="NCW")
    with pytest.raises(ValueError, match=r"^indices must be positions in \(16,\), got 99"):
        client.gather(client.compute(lazy))
