"""A Llama of random weights that reads bytes: small enough for vLLM on a CPU, and as real to it as a large one."""

import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

folder = sys.argv[1]
SPECIAL = ["<s>", "</s>"]
alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
vocabulary = {text: number for number, text in enumerate(SPECIAL + alphabet)}

tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
fast.chat_template = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
fast.save_pretrained(folder)

torch.manual_seed(1)
shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2}
ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
LlamaForCausalLM(LlamaConfig(vocab_size=len(vocabulary), max_position_embeddings=1024, **shape, **ends)).save_pretrained(folder)
