def test_eeea_net_c2_has_the_papers_counts(cli):
    found = cli("models", "eeea_net_c2", "--json").document
    (model,) = found["models"]
    assert found["input_size"] == 224
    assert (model["params"], model["macs"], model["role"]) == (4_732_838, 289_941_952, "student")
    assert model["flops"] == 2 * model["macs"]


def test_people_read_a_table(cli):
    found = cli("models", "mobilenetv3_small_100", "eeea_net_c1", "--size", 64)
    assert found.code == 0
    assert "FLOPs = 2 x MACs" in found.out
    assert [line.split()[0] for line in found.out.splitlines()[1:3]] == ["mobilenetv3_small_100", "eeea_net_c1"]


def test_an_unknown_network_lists_those_there_are(cli):
    found = cli("models", "alexnet")
    assert (found.code, found.out) == (2, "")
    assert "densenet121" in found.err


def test_weights_are_listed_with_their_origin_and_whether_they_are_here(cli):
    (model,) = cli("models", "efficientnet_lite0", "--size", 64, "--json").document["models"]
    assert model["role"] == "both"
    assert model["weights"]["imagenet"]["here"] is True
    found = cli("models", "xrv_densenet121", "--size", 64).out
    assert "(chest-all) (chest-nih) (chest-chex) (chest-pc)" in found
    assert "xrv_densenet121 chest-nih: TorchXRayVision DenseNet121 trained on ChestX-ray14, 224 px, Apache-2.0" in found
    assert "Apache-2.0; no checksum of the file is known" in found
    assert model["weights"]["imagenet"]["checksum_known"] is True


def test_a_download_is_asked_for_by_name(cli, monkeypatch):
    fetched = []
    monkeypatch.setattr("cxrkd.models.pretrained.download", lambda url, *_, **__: fetched.append(url))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    assert cli("models", "mobilenetv3_small_100", "--size", 64, "--download", "imagenet").code == 0
    assert len(fetched) == 1
    assert fetched[0].endswith("mobilenetv3_small_100.lamb_in1k/resolve/main/model.safetensors")
    assert "Name the network" in cli("models", "--download", "imagenet").err
    assert "ofa_595 has no weights 'imagenet'" in cli("models", "ofa_595", "--download", "imagenet").err
