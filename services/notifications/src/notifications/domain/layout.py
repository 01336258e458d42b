"""The frame around a mail's words: as text, and as HTML without any foreign asset."""

TEXT = """\
{{ greeting }}

{% if opening %}
{{ opening }}

{% endif %}
{% for item in news %}
{{ item.happened }}
{% if item.why %}

{{ words.why }}: {{ item.why }}
{% endif %}
{% if item.details %}

{{ words.details }}:
{% for detail in item.details %}
- {{ detail }}
{% endfor %}
{% endif %}
{% if item.next %}

{{ words.next }}: {{ item.next }}
{% endif %}
{% if item.link %}

{{ item.link.words }}: {{ item.link.url }}
{% endif %}

{% endfor %}
{% if unsubscribe_url %}
--
{{ words.footer }}
{{ words.unsubscribe }}: {{ unsubscribe_url }}
{% endif %}
"""

HTML = """\
<!doctype html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ subject }}</title>
</head>
<body style="margin:0 auto;max-width:36rem;padding:1.5rem;line-height:1.5;font-family:sans-serif">
<p>{{ greeting }}</p>
{% if opening %}
<p>{{ opening }}</p>
{% endif %}
{% for item in news %}
<p><strong>{{ item.happened }}</strong></p>
{% if item.why %}
<p>{{ words.why }}: {{ item.why }}</p>
{% endif %}
{% if item.details %}
<p>{{ words.details }}:</p>
<ul>
{% for detail in item.details %}
<li>{{ detail }}</li>
{% endfor %}
</ul>
{% endif %}
{% if item.next %}
<p>{{ words.next }}: {{ item.next }}</p>
{% endif %}
{% if item.link %}
<p><a href="{{ item.link.url }}">{{ item.link.words }}</a></p>
{% endif %}
{% endfor %}
{% if unsubscribe_url %}
<hr>
<p><small>{{ words.footer }} <a href="{{ unsubscribe_url }}">{{ words.unsubscribe }}</a></small></p>
{% endif %}
</body>
</html>
"""
