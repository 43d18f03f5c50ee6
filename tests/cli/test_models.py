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
